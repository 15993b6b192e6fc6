// SPDX-License-Identifier: Apache-2.0
// One token of each sequence, such as the end-of-text one that CLIP pools.

def SelectTokenOp : Burin_LibraryOp<"select_token"> {
  let summary = "Row index[b] of each sequence b.";
  let description = [{
    [batch, tokens, width] and [batch] give [batch, width]. An index outside
    the sequence gives NaN.

    ```mlir
    %y = burin.select_token %x, %i : tensor<3x77x768xf32>, tensor<3xi64>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, Burin_IntTensor:$index);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $input `,` $index attr-dict `:` type($input) `,` type($index)
  }];
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
