// SPDX-License-Identifier: Apache-2.0
// The gradients of attention, without a stored score matrix.

def AttentionGradientOp : Burin_LibraryOp<"attention_gradient"> {
  let summary = "The gradients of attention's query, key and value.";
  let description = [{
    `output` is what `attention` of the first three operands, with the same
    properties, has computed, and `cotangent` the gradient of that. With
    P = softmax(scale Q K^T) and D_i = sum_d dY_id Y_id, for each head:
      dV = P^T dY,  dS = P * (dY V^T - D),  dQ = scale dS K,
      dK = scale dS^T Q
    P is computed again from Q and K by blocks.

    ```mlir
    %dq, %dk, %dv = burin.attention_gradient %q, %k, %v, %y, %dy
      heads 8 scale 1.25e-01
      : tensor<2x4096x320xf32>, tensor<2x77x320xf32>, tensor<2x77x320xf32>,
        tensor<2x4096x320xf32>, tensor<2x4096x320xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$query, Burin_FloatTensor:$key,
                       Burin_FloatTensor:$value, Burin_FloatTensor:$output,
                       Burin_FloatTensor:$cotangent, I64Prop:$heads,
                       Burin_F64Prop:$scale, UnitProp:$causal);
  let results = (outs Burin_FloatTensor:$dQuery, Burin_FloatTensor:$dKey,
                      Burin_FloatTensor:$dValue);
  let assemblyFormat = [{
    $query `,` $key `,` $value `,` $output `,` $cotangent `heads` $heads
    `scale` $scale (`causal` $causal^)? attr-dict
    `:` type($query) `,` type($key) `,` type($value) `,` type($output) `,`
    type($cotangent)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = "::burin::Cost cost();";
}
