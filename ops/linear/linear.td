// SPDX-License-Identifier: Apache-2.0
// The contraction of a fully connected layer, on packed weights.

def LinearOp : Burin_CompositeLibraryOp<"linear"> {
  let summary = "x times the transposed weight, over the last axis.";
  let description = [{
    Each of `weights` is [outputs, inputs] of any float type and is rounded to
    the input's; the outputs of several lie one after another, as of one
    stacked weight. `transposed` weights are [inputs, outputs]. There is no
    bias: a following `binary "add"` joins the contraction's epilogue.

    ```mlir
    %y = burin.linear %x, %w : tensor<2x77x768xf32>, tensor<320x768xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input,
                       Variadic<Burin_FloatTensor>:$weights,
                       UnitProp:$transposed);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $input `,` $weights (`transposed` $transposed^)? attr-dict
    `:` type($input) `,` type($weights)
  }];
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
