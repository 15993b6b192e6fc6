// SPDX-License-Identifier: Apache-2.0
// Conversion between element types.

def CastOp : Burin_LowerableOp<"cast"> {
  let summary = "The same numbers in another element type.";
  let description = [{
    Floats round to nearest, ties to even; a float becomes an integer by
    dropping its fraction (out of range: unspecified).

    ```mlir
    %y = burin.cast %x : tensor<2x77x768xf32> to bf16
    ```
  }];
  let arguments = (ins Burin_NumberTensor:$input, TypeAttr:$element);
  let results = (outs Burin_NumberTensor:$output);
  let assemblyFormat = "$input attr-dict `:` type($input) `to` $element";
  let hasFolder = 1;
  let extraClassDeclaration = Burin_Vjp;
}
