// SPDX-License-Identifier: Apache-2.0
// A convolution and the projected shortcut around it, as one contraction.

def Conv2dShortcutOp : Burin_CompositeLibraryOp<"conv2d_shortcut"> {
  let summary = "conv2d(input, weight) + conv2d(shortcut, projection).";
  let description = [{
    `input`, `weight`, `stride` and `padding` are those of `conv2d`;
    `shortcut` has a pixel for each of the result's and `projection` is
    [O, C, 1, 1], as at the end of a residual block whose channels change.
    Models write the sum; `burin-fold-shortcuts` makes this of it where a
    target has a kernel for the whole, which sums both in float32.

    ```mlir
    %y = burin.conv2d_shortcut %h, %w, %x, %v stride 1 padding [1, 1, 1, 1]
      : tensor<1x64x64x320xbf16>, tensor<320x320x3x3xbf16>,
        tensor<1x64x64x640xbf16>, tensor<320x640x1x1xbf16>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, Burin_FloatTensor:$weight,
                       Burin_FloatTensor:$shortcut,
                       Burin_FloatTensor:$projection,
                       I64Prop:$stride, IntArrayProp<I64Prop>:$padding);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $input `,` $weight `,` $shortcut `,` $projection
    `stride` $stride `padding` $padding attr-dict
    `:` type($input) `,` type($weight) `,` type($shortcut) `,`
    type($projection)
  }];
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
