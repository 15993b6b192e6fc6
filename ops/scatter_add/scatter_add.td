// SPDX-License-Identifier: Apache-2.0
// Sums of rows by number: what looking rows up does in reverse.

def ScatterAddOp : Burin_LowerableOp<"scatter_add"> {
  let summary = "Row r of the result sums the rows whose id is r.";
  let description = [{
    [batch, n, width] and [batch, n] give [batch, rows, width]. Sums are in
    the order of the ids, so they are the same on every run; an id outside
    [0, rows) adds nothing.

    ```mlir
    %y = burin.scatter_add %x, %ids rows 49408
      : tensor<1x231x768xf32>, tensor<1x231xi64>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, Burin_IntTensor:$ids,
                       I64Prop:$rows);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $input `,` $ids `rows` $rows attr-dict `:` type($input) `,` type($ids)
  }];
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
