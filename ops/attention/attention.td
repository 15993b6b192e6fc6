// SPDX-License-Identifier: Apache-2.0
// Scaled dot-product attention without a stored score matrix.

def AttentionOp : Burin_LibraryOp<"attention"> {
  let summary = "softmax(scale * Q K^T) V for each head.";
  let description = [{
    Operands are [batch, tokens, heads * width]; head h is columns
    [h * width, (h + 1) * width). Key and value have the same tokens. With
    `causal` query i sees keys 0 to i, and there are as many queries as keys.

    ```mlir
    %y = burin.attention %q, %k, %v heads 8 scale 1.25e-01
      : tensor<2x4096x320xf32>, tensor<2x77x320xf32>, tensor<2x77x320xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$query, Burin_FloatTensor:$key,
                       Burin_FloatTensor:$value, I64Prop:$heads,
                       Burin_F64Prop:$scale, UnitProp:$causal);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $query `,` $key `,` $value `heads` $heads `scale` $scale
    (`causal` $causal^)? attr-dict
    `:` type($query) `,` type($key) `,` type($value)
  }];
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
