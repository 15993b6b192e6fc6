// SPDX-License-Identifier: Apache-2.0
// Elementwise functions of one operand; kinds are rows of unary.cpp's table.

def UnaryOp : Burin_LowerableOp<"unary"> {
  let summary = "A scalar function of every element.";
  let description = [{
    Kinds: see `unary.cpp`. `gelu` is exact (erf), `gelu_tanh` the tanh
    approximation, `quick_gelu` is x * sigmoid(1.702 x), `is_finite` is 1 or 0.

    ```mlir
    %y = burin.unary "silu" %x : tensor<2x8x8x320xf32>
    ```
  }];
  let arguments = (ins StringProp:$kind, Burin_FloatTensor:$input);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = "$kind $input attr-dict `:` type($input)";
  let extraClassDeclaration = Burin_Vjp;
}
