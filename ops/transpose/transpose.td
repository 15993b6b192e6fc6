// SPDX-License-Identifier: Apache-2.0
// Axes in another order.

def TransposeOp : Burin_LowerableOp<"transpose"> {
  let summary = "Axis i of the result is axis permutation[i] of the operand.";
  let description = [{
    ```mlir
    %y = burin.transpose %x [0, 2, 3, 1] : tensor<1x4x64x64xf32>
    ```
  }];
  let arguments = (ins Burin_Tensor:$input,
                       IntArrayProp<I64Prop>:$permutation);
  let results = (outs Burin_Tensor:$output);
  let assemblyFormat = "$input $permutation attr-dict `:` type($input)";
  let hasFolder = 1;
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
