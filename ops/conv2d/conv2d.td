// SPDX-License-Identifier: Apache-2.0
// Two-dimensional convolution of channels-last images, on packed weights.

def Conv2dOp : Burin_LibraryOp<"conv2d"> {
  let summary = "Convolution of [N, H, W, C] with [O, C, kh, kw].";
  let description = [{
    `padding` is [top, left, bottom, right], of zeros. `upsample` enlarges the
    input that many times by nearest neighbour before it is padded. The
    result is [N, (H * upsample + top + bottom - kh) / stride + 1, .., O].
    The weight is rounded to the input's element type. A `transposed` one is
    [C, O, kh, kw] with the taps in reverse: so read, a layer's own weight is
    that of the gradient with respect to its input. There is no bias: a
    following `binary "add"` joins the epilogue.

    ```mlir
    %y = burin.conv2d %x, %w stride 2 padding [0, 0, 1, 1]
      : tensor<1x64x64x128xf32>, tensor<128x128x3x3xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, Burin_FloatTensor:$weight,
                       I64Prop:$stride, IntArrayProp<I64Prop>:$padding,
                       DefaultValuedProp<I64Prop, "1">:$upsample,
                       UnitProp:$transposed);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $input `,` $weight `stride` $stride `padding` $padding
    (`upsample` $upsample^)? (`transposed` $transposed^)? attr-dict
    `:` type($input) `,` type($weight)
  }];
  let hasCanonicalizer = 1;
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
