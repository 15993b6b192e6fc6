// SPDX-License-Identifier: Apache-2.0
// The gradient of a convolution with respect to its weight.

def Conv2dWeightGradientOp : Burin_LibraryOp<"conv2d_weight_gradient"> {
  let summary = "The weight's gradient of conv2d, [O, C, kh, kw] in float32.";
  let description = [{
    `cotangent` is the gradient of `conv2d` of `input` by a weight whose
    extents are [O, C, `kernel`], with the other properties:
      dW[o, c, ky, kx] = sum over n, y, x of cotangent[n, y, x, o] *
        input[n, y * stride + ky - top, x * stride + kx - left, c]
    Sums are float32 and stay so, whatever the operands are. A linear layer is
    a kernel of one tap over its rows as pixels.

    ```mlir
    %dw = burin.conv2d_weight_gradient %x, %dy kernel [3, 3] stride 2
      padding [0, 0, 1, 1]
      : tensor<1x64x64x128xf32>, tensor<1x32x32x256xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, Burin_FloatTensor:$cotangent,
                       IntArrayProp<I64Prop>:$kernel, I64Prop:$stride,
                       IntArrayProp<I64Prop>:$padding,
                       DefaultValuedProp<I64Prop, "1">:$upsample);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $input `,` $cotangent `kernel` $kernel `stride` $stride `padding` $padding
    (`upsample` $upsample^)? attr-dict `:` type($input) `,` type($cotangent)
  }];
  let extraClassDeclaration = [{
    ::burin::Cost cost();
  }];
}
