// SPDX-License-Identifier: Apache-2.0
// The unit of execution: ops that run as one step. Regions are formed after
// graph rewriting and before code generation.
#ifndef BURIN_REGION
#define BURIN_REGION

include "compiler/dialect/base.td"
include "mlir/IR/SymbolInterfaces.td"

def RegionOp : Op<Burin_Dialect, "region", [
    Pure, SingleBlock,
    IsolatedFromAbove]> {
  let summary = "Ops that run as one step.";
  let description = [{
    Kinds:
    * `contraction`: a library kernel that hands out tiles, followed by the
      elementwise ops of its epilogue;
    * `library`: one op that runs as a library kernel and nothing else;
    * `rows`: generated code that visits the rows of one row space (the
      leading extents) and, for each, runs every op in turn.

    What the ops read from outside is captured as operands. `kernel` names
    the generated function once there is one; its arguments are the operands
    that `captures` lists, then the results.

    ```mlir
    %y = burin.region "contraction" (%a = %x, %b = %w, %c = %bias)
        : (tensor<8x320xf32>, tensor<640x320xf32>, tensor<640xf32>)
          -> tensor<8x640xf32> {
      %0 = burin.linear %a, %b : ...
      %1 = burin.binary "add" %0, %c : ...
      burin.yield %1 : tensor<8x640xf32>
    }
    ```
  }];
  let arguments = (ins
    StringProp:$kind,
    Variadic<Burin_Tensor>:$inputs,
    OptionalAttr<FlatSymbolRefAttr>:$kernel,
    OptionalAttr<DenseI64ArrayAttr>:$captures);
  let results = (outs Variadic<Burin_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static constexpr ::llvm::StringLiteral kContraction = "contraction";
    static constexpr ::llvm::StringLiteral kLibrary = "library";
    static constexpr ::llvm::StringLiteral kRows = "rows";

    bool isRows() { return getKind() == kRows; }
    ::mlir::Block& block() { return getBody().front(); }
    ::burin::YieldOp yield();
    // The op that runs as a library kernel, or null in `rows`.
    ::mlir::Operation* root();
  }];
}

def YieldOp : Op<Burin_Dialect, "yield", [
    Pure, Terminator, HasParent<"RegionOp">]> {
  let summary = "The results of a region.";
  let arguments = (ins Variadic<Burin_Tensor>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

#endif // BURIN_REGION
