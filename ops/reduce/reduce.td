// SPDX-License-Identifier: Apache-2.0
// Sums, means and maxima over axes.

def ReduceOp : Burin_LowerableOp<"reduce"> {
  let summary = "Sum, mean or max over axes, which stay with extent one.";
  let description = [{
    `axes` is ascending. Over no elements a sum is 0, a mean NaN and a max
    -inf.

    ```mlir
    %y = burin.reduce "mean" %x axes [1, 2] : tensor<2x8x8x320xf32>
    ```
  }];
  let arguments = (ins StringProp:$kind, Burin_FloatTensor:$input,
                       IntArrayProp<I64Prop>:$axes);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = "$kind $input `axes` $axes attr-dict `:` type($input)";
  let hasFolder = 1;
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
