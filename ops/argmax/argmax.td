// SPDX-License-Identifier: Apache-2.0
// Where each row is largest.

def ArgmaxOp : Burin_LowerableOp<"argmax"> {
  let summary = "Index of the largest element of the last axis, as i64.";
  let description = [{
    The first of equal elements wins; a NaN counts as largest. The last axis
    is dropped and must not be empty.

    ```mlir
    %i = burin.argmax %ids : tensor<3x77xi64>
    ```
  }];
  let arguments = (ins Burin_NumberTensor:$input);
  let results = (outs StaticShapeTensorOf<[I64]>:$output);
  let assemblyFormat = "$input attr-dict `:` type($input)";
}
