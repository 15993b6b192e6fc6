// SPDX-License-Identifier: Apache-2.0
// Derivatives of a number with respect to values it was computed from, as
// values of the same graph.

def GradientOp : Op<Burin_Dialect, "gradient", [Pure, InferTypeOpAdaptor]> {
  let summary = "The derivative of `loss` with respect to each of `wrt`.";
  let description = [{
    Symbolic: pass `burin-differentiate` replaces it by the ops that compute
    it. Result i is d loss / d wrt[i], of the type of wrt[i], and zero where
    `loss` does not depend on it. `loss` may depend on results of another
    gradient.

    ```mlir
    %dw, %db = burin.gradient %loss wrt %w, %b
      : tensor<f32>, tensor<640x320xf32>, tensor<640xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$loss,
                       Variadic<Burin_FloatTensor>:$wrt);
  let results = (outs Variadic<Burin_FloatTensor>:$gradients);
  let assemblyFormat = [{
    $loss `wrt` $wrt attr-dict `:` type($loss) `,` type($wrt)
  }];
}
