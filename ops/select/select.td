// SPDX-License-Identifier: Apache-2.0
// A choice between two tensors, element by element.

def SelectOp : Burin_LowerableOp<"select"> {
  let summary = "Elements of one tensor or another, by a condition.";
  let description = [{
    `onTrue` where `condition` is not 0 (NaN is not), else `onFalse`, whose
    value there does not matter: it may be NaN. Shapes broadcast as those of
    `binary`; all three operands have one element type.

    ```mlir
    %y = burin.select %c, %a, %b
      : tensor<1x1xf32>, tensor<8x1024xf32>, tensor<8x1024xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$condition, Burin_FloatTensor:$onTrue,
                       Burin_FloatTensor:$onFalse);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $condition `,` $onTrue `,` $onFalse attr-dict `:`
    type($condition) `,` type($onTrue) `,` type($onFalse)
  }];
  let extraClassDeclaration = Burin_Vjp;
}
