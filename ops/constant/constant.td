// SPDX-License-Identifier: Apache-2.0
// One number in every element; it melts into the regions that use it.

def ConstantOp : Burin_LeafOp<"constant",
    [DeclareOpInterfaceMethods<Lowerable>]> {
  let summary = "One number in every element.";
  let description = [{
    The number is rounded to the element type. An integer tensor needs a whole
    number that its type holds.

    ```mlir
    %half = burin.constant 5.0e-01 : tensor<1xf32>
    ```
  }];
  let arguments = (ins Burin_F64Prop:$value);
  let results = (outs Burin_NumberTensor:$output);
  let assemblyFormat = "$value attr-dict `:` type($output)";
  let hasVerifier = 1;
  let extraClassDeclaration = "::burin::Cost cost();";
}
