// SPDX-License-Identifier: Apache-2.0
// The sinusoids that tell a diffusion network its time.

def TimestepEmbeddingOp : Burin_LowerableOp<"timestep_embedding"> {
  let summary = "Sines and cosines of a time at geometric frequencies.";
  let description = [{
    With half = width / 2 and the angle
    a_j = t * exp(-ln(max_period) * j / (half - shift)), j < half:
    row t is [sin a, cos a], or [cos a, sin a] with `flip_sin_to_cos`, and a
    zero where width is odd. Float32, [batch, width]. Each operation up to the
    angle rounds to float32, as where the networks were trained: at a time of
    1000 another rounding would be seen.

    ```mlir
    %y = burin.timestep_embedding %t width 320 max_period 1.0e+04 shift 0.0
      flip_sin_to_cos : tensor<3xf32>
    ```
  }];
  let arguments = (ins Burin_FloatTensor:$time, I64Prop:$width,
                       Burin_F64Prop:$maxPeriod, Burin_F64Prop:$shift,
                       UnitProp:$flipSinToCos);
  let results = (outs Burin_FloatTensor:$output);
  let assemblyFormat = [{
    $time `width` $width `max_period` $maxPeriod `shift` $shift
    (`flip_sin_to_cos` $flipSinToCos^)? attr-dict `:` type($time)
  }];
}
