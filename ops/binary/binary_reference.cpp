// SPDX-License-Identifier: Apache-2.0
// The oracle of elementwise functions of two operands.
#include "ops/reference.h"

#include <algorithm>
#include <cmath>

namespace burin::reference::binary {

static double apply(std::string_view kind, double a, double b) {
  if (kind == "add")
    return a + b;
  if (kind == "div")
    return a / b;
  if (kind == "mul")
    return a * b;
  if (kind == "pow")
    return std::pow(a, b);
  if (kind == "greater")
    return a > b;
  if (kind == "sub")
    return a - b;
  if (std::isnan(a) || std::isnan(b))
    return a + b;
  return kind == "max" ? std::max(a, b) : std::min(a, b);
}

// The element of `x` that output position `at` reads: aligned at the last
// axis, staying where an extent is one.
static double read(const ReferenceTensor& x, const Shape& at) {
  int64_t offset = 0;
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    int64_t position = at[at.size() - x.rank() + axis];
    offset = offset * x.shape[axis] + (x.shape[axis] == 1 ? 0 : position);
  }
  return x.values[offset];
}

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const auto& [longer, shorter] =
      std::minmax(in[0].shape, in[1].shape, [](const Shape& a, const Shape& b) {
        return a.size() > b.size();
      });
  Shape shape = longer;
  for (size_t i = 0; i < shorter.size(); ++i) {
    int64_t& extent = shape[longer.size() - shorter.size() + i];
    extent = extent == 1 ? shorter[i] : extent;
  }
  ReferenceTensor y(shape);
  for (int64_t i = 0; i < y.count(); ++i) {
    Shape at(shape.size());
    int64_t rest = i;
    for (int64_t axis = y.rank() - 1; axis >= 0; --axis) {
      at[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    y.values[i] = apply(p.text("kind"), read(in[0], at), read(in[1], at));
  }
  return {y};
}

} // namespace burin::reference::binary
