// SPDX-License-Identifier: Apache-2.0
// Exponentials along an axis, normalised to a sum of one.

def SoftmaxOp : Burin_LowerableOp<"softmax"> {
  let summary = "exp(x - max) / sum(exp(x - max)) along an axis.";
  let description = [{
    ```mlir
    %y = burin.softmax %x axis 2 : tensor<2x77x77xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$input, I64Prop:$axis);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = "$input `axis` $axis attr-dict `:` type($input)";
  let extraClassDeclaration = Burin_Vjp # "::burin::Cost cost();";
}
