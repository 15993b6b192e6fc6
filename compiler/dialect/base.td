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
def Burin_Int : AnyTypeOf<[I32, I64]>;
def Burin_Element : AnyTypeOf<[F16, BF16, F32, F64, I1, I8, I32, I64]>;
def Burin_Tensor : StaticShapeTensorOf<[Burin_Element]>;
def Burin_FloatTensor : StaticShapeTensorOf<[Burin_Float]>;
def Burin_IntTensor : StaticShapeTensorOf<[Burin_Int]>;
def Burin_NumberTensor : StaticShapeTensorOf<[Burin_Float, Burin_Int]>;

// A double that prints so that it reads back as the same bits.
def Burin_F64Prop : Property<"double", "double"> {
  let convertToAttribute = [{
    return ::mlir::FloatAttr::get(::mlir::Float64Type::get($_ctxt), $_storage);
  }];
  let convertFromAttribute = [{
    auto number = ::llvm::dyn_cast_if_present<::mlir::FloatAttr>($_attr);
    if (!number || !number.getType().isF64())
      return $_diag() << "expected an f64 attribute";
    $_storage = number.getValueAsDouble();
    return ::mlir::success();
  }];
  let hashProperty = "::llvm::hash_value(::llvm::bit_cast<uint64_t>($_storage))";
  let parser = [{
    ::llvm::APFloat number(0.0);
    if (::mlir::failed(
            $_parser.parseFloat(::llvm::APFloat::IEEEdouble(), number)))
      return ::mlir::failure();
    $_storage = number.convertToDouble();
  }];
  let printer = "$_printer.printFloat(::llvm::APFloat($_storage))";
  let writeToMlirBytecode = [{
    $_writer.writeVarInt(::llvm::bit_cast<uint64_t>($_storage));
  }];
  let readFromMlirBytecode = [{
    uint64_t bits;
    if (::mlir::failed($_reader.readVarInt(bits)))
      return ::mlir::failure();
    $_storage = ::llvm::bit_cast<double>(bits);
  }];
}

// Declares `vjp` in `extraClassDeclaration`, for an op that has a gradient.
defvar Burin_Vjp = [{
  ::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>
  vjp(::mlir::OpBuilder &builder, ::mlir::ValueRange cotangents,
      ::llvm::ArrayRef<bool> needed);
}];

// An op without a type to infer from: a leaf of the graph. Every op is pure
// and has a cost and, where one is written, a gradient; an op replaces the
// default of `cost` or `vjp` by declaring the method in
// `extraClassDeclaration`.
class Burin_LeafOp<string mnemonic, list<Trait> traits = []>
    : Op<Burin_Dialect, mnemonic,
         !listconcat([Pure, Differentiable, Costed], traits)>;

// Every other op infers its type from operands and properties, which is also
// where it rejects operands that do not fit together; it then names how it is
// computed: Lowerable, LibraryBacked, Decomposable or Viewing.
class Burin_Op<string mnemonic, list<Trait> traits = []>
    : Burin_LeafOp<mnemonic, !listconcat([InferTypeOpAdaptor], traits)>;

class Burin_LowerableOp<string mnemonic, list<Trait> traits = []>
    : Burin_Op<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<Lowerable>], traits)>;

class Burin_LibraryOp<string mnemonic, list<Trait> traits = []>
    : Burin_Op<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<LibraryBacked>], traits)>;

// A composite that some devices have a kernel for.
class Burin_CompositeLibraryOp<string mnemonic, list<Trait> traits = []>
    : Burin_LibraryOp<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<Decomposable>], traits)>;

class Burin_ViewOp<string mnemonic, list<Trait> traits = []>
    : Burin_Op<mnemonic, !listconcat(
        [DeclareOpInterfaceMethods<Viewing>,
         DeclareOpInterfaceMethods<Lowerable>], traits)>;

#endif // BURIN_BASE
