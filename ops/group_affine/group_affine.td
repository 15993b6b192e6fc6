// SPDX-License-Identifier: Apache-2.0
// The two factors of GroupNorm, so that the pass over the picture that
// applies them can join any other.

def GroupAffineOp : Burin_LibraryOp<"group_affine"> {
  let summary = "Scale and shift such that x * scale + shift is GroupNorm(x).";
  let description = [{
    For batch item n and channel c of group g, with the mean and the biased
    variance of x over the group and all positions:

      scale[n, c] = gamma[c] / sqrt(variance[n, g] + eps)
      shift[n, c] = beta[c] - mean[n, g] * scale[n, c]

    Both are float32 and [batch, 1, .., 1, channels].

    ```mlir
    %scale, %shift = burin.group_affine %x, %gamma, %beta groups 32 eps 1.0e-05
      : tensor<2x64x64x320xf32>, tensor<320xf32>, tensor<320xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, Burin_FloatTensor:$gamma,
                       Burin_FloatTensor:$beta, I64Prop:$groups,
                       Burin_F64Prop:$eps);
  let results = (outs Burin_FloatTensor:$scale, Burin_FloatTensor:$shift);
  let assemblyFormat = [{
    $input `,` $gamma `,` $beta `groups` $groups `eps` $eps attr-dict
    `:` type($input) `,` type($gamma) `,` type($beta)
  }];
  let extraClassDeclaration = Burin_Vjp # [{
    ::burin::Cost cost();
    // The factors for gamma 1 and beta 0: they give x mean 0 and variance 1.
    static GroupAffineOp standardise(::mlir::OpBuilder &builder,
        ::mlir::Location location, ::mlir::Value input, int64_t groups,
        double eps);
  }];
}
