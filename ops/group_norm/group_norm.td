// SPDX-License-Identifier: Apache-2.0
// GroupNorm: its statistics as group_affine, its map as elementwise ops that
// fuse with their neighbours.

def GroupNormOp : Burin_CompositeLibraryOp<"group_norm"> {
  let summary = "Normalisation over groups of channels, then an affine map.";
  let description = [{
    `input` is [batch, ..., channels]; `gamma` and `beta` are [channels].

    ```mlir
    %y = burin.group_norm %x, %gamma, %beta groups 32 eps 1.0e-05
      : tensor<2x64x64x320xf32>, tensor<320xf32>, tensor<320xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, Burin_FloatTensor:$gamma,
                       Burin_FloatTensor:$beta, I64Prop:$groups,
                       Burin_F64Prop:$eps);
  let results = (outs Burin_FloatTensor:$output);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $input `,` $gamma `,` $beta `groups` $groups `eps` $eps attr-dict
    `:` type($input) `,` type($gamma) `,` type($beta)
  }];
  let extraClassDeclaration = Burin_Vjp;
}
