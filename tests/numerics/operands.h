// SPDX-License-Identifier: Apache-2.0
// Fills operands, rounds them to their element type, and converts between
// bytes and the doubles of the references.
#pragma once

#include "ops/reference.h"
#include "runtime/base/status.h"

#include <cstddef>
#include <vector>

namespace burin::numerics {

// `recipe` is one of
//   normal           standard normal numbers
//   positive         their magnitudes, plus one half
//   offset:M         normal numbers around M
//   integers:N       whole numbers from -N to N
//   index:N          whole numbers from 0 to N - 1
//   uniform:A:B      numbers from A to B
//   edges            zeros, ones, denormals, extremes, infinities and NaN;
//                    operands 0 and 1 of n * n elements meet in all pairs
//   list:A:B:...     these, repeated
// The numbers depend on recipe and position alone.
Result<ReferenceTensor> makeOperand(const std::string& recipe, Shape shape,
                                    DType dtype, size_t position);

// How many values `edges` has.
size_t edgeCount();

// The nearest number that `dtype` holds.
double rounded(double value, DType dtype);

std::vector<std::byte> encode(const ReferenceTensor& tensor, DType dtype);
ReferenceTensor decode(const std::vector<std::byte>& bytes, Shape shape,
                       DType dtype);

} // namespace burin::numerics
