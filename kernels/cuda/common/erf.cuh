// SPDX-License-Identifier: Apache-2.0
// The error function for results of 16 bits, by multiplications and additions
// alone. Plain C++, so that its bounds are tested on the CPU, after <cmath>.
#pragma once

#ifdef __CUDACC__
#define BURIN_ERF __device__ __forceinline__
#else
#define BURIN_ERF inline
#endif

// From here on erf(x) is taken for 1, which it is to 7.5e-5. The polynomial's
// value here is exactly 1, so that 1 - erf vanishes for all larger x.
constexpr float kErfEnd = 2.79999495f;

// x p(x^2), the fit with the least largest error, for x in [0, kErfEnd]. Over
// all floats it is off by less than 7.7e-5, and by less than 1.4e-4 of itself:
// half an ulp of f16 is 2.4e-4 to 4.9e-4 of a number, of bf16 eight times that.
//
// x (1 + erf(x / sqrt(2))) / 2 is then off by less than 1.6e-4, and where x is
// positive by less than 4.6e-5 of itself. Far below zero, where it vanishes
// beside the numbers near 1 that it is added to, it has no correct digits.
BURIN_ERF float erfUpToEnd(float x) {
  const float s = x * x;
  float p = fmaf(-4.883657034e-7f, s, 1.981136254e-5f);
  p = fmaf(p, s, -3.484853582e-4f);
  p = fmaf(p, s, 3.539613226e-3f);
  p = fmaf(p, s, -2.346240223e-2f);
  p = fmaf(p, s, 1.091452627e-1f);
  p = fmaf(p, s, -3.744405074e-1f);
  p = fmaf(p, s, 1.128229715f);
  return p * x;
}
#undef BURIN_ERF
