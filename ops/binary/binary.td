// SPDX-License-Identifier: Apache-2.0
// Elementwise functions of two operands; kinds are rows of binary.cpp's table.

def BinaryOp : Burin_LowerableOp<"binary"> {
  let summary = "A scalar function of pairs of elements, with broadcasting.";
  let description = [{
    Shapes are aligned at the last axis; an extent of one, or a missing axis,
    repeats. Both operands have the same element type. `max` and `min` give
    NaN where either operand is NaN; `greater` gives one where lhs > rhs, else
    zero. Integers know `add`, `sub`, `mul`, `max`
    and `min`.

    ```mlir
    %y = burin.binary "add" %x, %bias : tensor<2x8x8x320xf32>, tensor<320xf32>
    ```
  }];
  let arguments = (ins StringProp:$kind, Burin_NumberTensor:$lhs,
                       Burin_NumberTensor:$rhs);
  let results = (outs Burin_NumberTensor:$output);
  let assemblyFormat = [{
    $kind $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)
  }];
  let extraClassDeclaration = Burin_Vjp;
}
