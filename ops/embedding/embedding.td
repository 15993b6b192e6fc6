// SPDX-License-Identifier: Apache-2.0
// Rows of a table, by number.

def EmbeddingOp : Burin_LibraryOp<"embedding"> {
  let summary = "The rows of `table` that `ids` names.";
  let description = [{
    The result is [ids' shape, width]. An id outside the table gives NaN.

    ```mlir
    %y = burin.embedding %table, %ids
      : tensor<49408x768xf32>, tensor<3x77xi64>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$table, Burin_IntTensor:$ids);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $table `,` $ids attr-dict `:` type($table) `,` type($ids)
  }];
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
