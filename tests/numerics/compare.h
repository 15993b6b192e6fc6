// SPDX-License-Identifier: Apache-2.0
// Holds a result against its reference. The classes of tolerance:
//
//   exact     the reference rounded to the element type, bit for bit (any NaN
//             equals any NaN, a zero equals a zero)
//   relative  each element to a few roundings of itself; what is below the
//             smallest normal float may be lost (in f16: the last bit of its
//             subnormal numbers)
//   unit      each element to a few roundings of 1 + |it|: functions that
//             subtract numbers near one
//   product   each element to a few roundings of rms + |it|, rms being the
//             root of the mean square of the result, and the whole by its
//             normalised mean square error: sums of products
//   products  the same for products in a row, such as the gradients of
//             attention, whose factors between are rounded to the element type:
//             one great factor takes its rounding to all that it weighs, so an
//             element may be further off, but not the whole
//   network, network_bf16, network_f16
//             the whole by its normalised mean square error: many layers, in
//             float32 or with bf16 or f16 between and inside them
//
// NaN and infinities must be where the reference, rounded, has them; what
// leaves the range of f16 is an infinity there.
#pragma once

#include "ops/reference.h"
#include "runtime/base/status.h"

namespace burin::numerics {

struct Comparison {
  double share = 0; // of the tolerance that was used: at most 1 passes
  double nmse = 0;
  std::string worst; // which element, for messages
};

Result<Comparison> compare(const std::string& tolerance, DType dtype,
                           const ReferenceTensor& result,
                           const ReferenceTensor& reference);

} // namespace burin::numerics
