// SPDX-License-Identifier: Apache-2.0
// Joining along an axis; its operands are written as windows of its result
// where the memory plan can arrange it.

def ConcatOp : Burin_ViewOp<"concat"> {
  let summary = "Tensors one after another along an axis.";
  let description = [{
    ```mlir
    %y = burin.concat %a, %b axis 3
      : tensor<2x8x8x320xf32>, tensor<2x8x8x640xf32>
    ```
  }];
  let arguments = (ins Variadic<Burin_Tensor>:$inputs, I64Prop:$axis);
  let results = (outs Burin_Tensor:$output);
  let assemblyFormat = "$inputs `axis` $axis attr-dict `:` type($inputs)";
  let hasFolder = 1;
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
