// SPDX-License-Identifier: Apache-2.0
// What passes may ask of an op. No pass knows an op by name: it asks one of
// these, so that adding an op touches no pass.
#ifndef BURIN_INTERFACES
#define BURIN_INTERFACES

include "mlir/IR/OpBase.td"

def Differentiable : OpInterface<"Differentiable"> {
  let cppNamespace = "::burin";
  let description = [{
    Reverse-mode gradient, in the same ops. `cotangents` has one value a
    result and `needed` one flag an operand. The answer has one value an
    operand, of the operand's type: null where it is not needed (nothing is
    emitted for it) or nothing flows.
  }];
  let methods = [InterfaceMethod<
    "Emits the vector-Jacobian product. The default fails: no gradient yet.",
    "::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>", "vjp",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$cotangents,
         "::llvm::ArrayRef<bool>":$needed),
    /*methodBody=*/"", /*defaultImplementation=*/"return ::mlir::failure();">];
}

def Decomposable : OpInterface<"Decomposable"> {
  let cppNamespace = "::burin";
  let description = [{
    A composite: rewrites itself into other burin ops before regions form,
    unless the target has a kernel for the whole.
  }];
  let methods = [
    InterfaceMethod<
      "Emits the replacement; one value a result.",
      "::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>", "decompose",
      (ins "::mlir::OpBuilder &":$builder)>];
}

def Lowerable : OpInterface<"Lowerable"> {
  let cppNamespace = "::burin";
  let description = [{
    Lowers to linalg on tensors: one `linalg.generic` for an elementwise op,
    several for one that reduces. Regions of such ops become one generated
    kernel. Arithmetic is in float32 for f16 and bf16 operands.
  }];
  let methods = [InterfaceMethod<
    "Emits linalg; one tensor a result, of the result's type.",
    "::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>", "lower",
    (ins "::mlir::OpBuilder &":$builder)>];
}

def LibraryBacked : OpInterface<"LibraryBacked"> {
  let cppNamespace = "::burin";
  let description = [{
    Runs as a library kernel (`kernels/catalog.h`). If `tiled` is set in the
    answer, the kernel hands float32 tiles of its result, seen as
    [product of leading extents, last extent], to generated code, and
    elementwise consumers join its region.
  }];
  let methods = [InterfaceMethod<
    "The kernel that computes this op, or failure with a diagnostic.",
    "::mlir::FailureOr<::burin::LibraryCall>", "libraryCall", (ins)>];
}

def Viewing : OpInterface<"Viewing"> {
  let cppNamespace = "::burin";
  let description = [{
    Moves no data where the memory plan can help it: a result that is a
    window of the operand (reshape, slice), or operands that are windows of
    the result (concat).
  }];
  let methods = [
    InterfaceMethod<"True: operands are windows of the result.",
      "bool", "gathers", (ins)>,
    InterfaceMethod<
      "The axis the window moves along, and the window's start on it for "
      "each operand (gathers) or for the result; nothing for a reshape.",
      "::std::optional<::burin::Window>", "window", (ins)>];
}

def Costed : OpInterface<"Costed"> {
  let cppNamespace = "::burin";
  let description = [{
    The least work any implementation must do: multiply-adds count as two
    operations, each operand is read once, each result written once.
  }];
  let methods = [InterfaceMethod<
    "Operations and bytes. The default is an elementwise op's.",
    "::burin::Cost", "cost", (ins), /*methodBody=*/"",
    /*defaultImplementation=*/"return ::burin::elementwiseCost($_op);">];
}

#endif // BURIN_INTERFACES
