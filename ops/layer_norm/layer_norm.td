// SPDX-License-Identifier: Apache-2.0
// Normalisation of each row, then an affine map.

def LayerNormOp : Burin_LowerableOp<"layer_norm"> {
  let summary = "Normalisation over the last axis, then an affine map.";
  let description = [{
    With the mean and the biased variance of each row:
    y = (x - mean) / sqrt(variance + eps) * gamma + beta.

    ```mlir
    %y = burin.layer_norm %x, %gamma, %beta eps 1.0e-05
      : tensor<2x77x768xf32>, tensor<768xf32>, tensor<768xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, Burin_FloatTensor:$gamma,
                       Burin_FloatTensor:$beta, Burin_F64Prop:$eps);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $input `,` $gamma `,` $beta `eps` $eps attr-dict
    `:` type($input) `,` type($gamma) `,` type($beta)
  }];
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
