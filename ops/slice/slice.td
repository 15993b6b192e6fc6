// SPDX-License-Identifier: Apache-2.0
// A window on one axis, read in place where the memory plan can arrange it.

def SliceOp : Burin_ViewOp<"slice"> {
  let summary = "Elements [start, start + size) of an axis.";
  let description = [{
    ```mlir
    %y = burin.slice %x axis 2 start 320 size 320 : tensor<2x77x640xf32>
    ```
  }];
  let arguments = (ins Burin_Tensor:$input, I64Prop:$axis, I64Prop:$start,
                       I64Prop:$size);
  let results = (outs Burin_Tensor:$output);
  let assemblyFormat = [{
    $input `axis` $axis `start` $start `size` $size attr-dict
    `:` type($input)
  }];
  let hasFolder = 1;
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
