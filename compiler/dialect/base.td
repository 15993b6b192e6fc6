// SPDX-License-Identifier: Apache-2.0
// The burin dialect and the base class of its ops.
//
// Conventions: ranked tensors of static shape; images are channels-last,
// [batch, height, width, channels]; token sequences are [batch, tokens,
// width]; weights keep the checkpoint's (PyTorch's) layout.
#ifndef BURIN_BASE
#define BURIN_BASE

include "mlir/IR/OpBase.td"
include "mlir/IR/Properties.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "compiler/dialect/interfaces.td"

def Burin_Dialect : Dialect {
  let name = "burin";
  let summary = "Graphs of image generation and editing networks.";
  let cppNamespace = "::burin";
}

def Burin_Float : AnyTypeOf<[F16, BF16, F32, F64]>;
def Burin_Element : AnyTypeOf<[F16, BF16, F32, F64, I1, I8, I32, I64]>;
def Burin_Tensor : StaticShapeTensorOf<[Burin_Element]>;
def Burin_FloatTensor : StaticShapeTensorOf<[Burin_Float]>;
def Burin_IntTensor : StaticShapeTensorOf<[I32, I64]>;

// Every op is pure, infers its type, knows its gradient and its cost; it then
// names how it is computed: Lowerable, LibraryBacked, Decomposable or Viewing.
class Burin_Op<string mnemonic, list<Trait> traits = []>
    : Op<Burin_Dialect, mnemonic, !listconcat([Pure,
        DeclareOpInterfaceMethods<InferTypeOpInterface>,
        DeclareOpInterfaceMethods<Differentiable>,
        DeclareOpInterfaceMethods<Costed>], traits)>;

class Burin_LowerableOp<string mnemonic, list<Trait> traits = []>
    : Burin_Op<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<Lowerable>], traits)>;

class Burin_LibraryOp<string mnemonic, list<Trait> traits = []>
    : Burin_Op<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<LibraryBacked>], traits)>;

class Burin_CompositeOp<string mnemonic, list<Trait> traits = []>
    : Burin_Op<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<Decomposable>], traits)>;

class Burin_ViewOp<string mnemonic, list<Trait> traits = []>
    : Burin_Op<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<Viewing>,
         DeclareOpInterfaceMethods<Lowerable>], traits)>;

#endif // BURIN_BASE
