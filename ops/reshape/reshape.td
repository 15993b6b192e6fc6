// SPDX-License-Identifier: Apache-2.0
// The same elements in the same order under another shape.

def ReshapeOp : Burin_ViewOp<"reshape"> {
  let summary = "The same elements, in row-major order, in another shape.";
  let description = [{
    ```mlir
    %y = burin.reshape %x to [2, 4096, 320] : tensor<2x64x64x320xf32>
    ```
  }];
  let arguments = (ins Burin_Tensor:$input, IntArrayProp<I64Prop>:$shape);
  let results = (outs Burin_Tensor:$output);
  let assemblyFormat = "$input `to` $shape attr-dict `:` type($input)";
  let hasFolder = 1;
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
