// SPDX-License-Identifier: Apache-2.0
// Enlargement by repetition. A following conv2d takes it over.

def UpsampleNearestOp : Burin_LowerableOp<"upsample_nearest"> {
  let summary = "Each pixel of [N, H, W, C] becomes factor x factor pixels.";
  let description = [{
    ```mlir
    %y = burin.upsample_nearest %x factor 2 : tensor<2x8x8x320xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, I64Prop:$factor);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = "$input `factor` $factor attr-dict `:` type($input)";
  let hasFolder = 1;
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
