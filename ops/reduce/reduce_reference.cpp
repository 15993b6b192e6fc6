// SPDX-License-Identifier: Apache-2.0
// The oracle of reductions.
#include "ops/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace burin::reference::reduce {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  const ReferenceTensor& x = in[0];
  const Shape& axes = p.list("axes");
  bool isMax = p.text("kind") == "max";
  Shape shape = x.shape;
  for (int64_t axis : axes)
    shape[axis] = 1;
  ReferenceTensor y(shape,
                    isMax ? -std::numeric_limits<double>::infinity() : 0.0);
  for (int64_t i = 0; i < x.count(); ++i) {
    int64_t rest = i, offset = 0, stride = 1;
    for (int64_t axis = x.rank() - 1; axis >= 0; --axis) {
      int64_t position = rest % x.shape[axis];
      rest /= x.shape[axis];
      offset += shape[axis] == 1 ? 0 : position * stride;
      stride *= shape[axis];
    }
    double& target = y.values[offset];
    double value = x.values[i];
    if (!isMax)
      target += value;
    else if (!(value <= target) && !std::isnan(target))
      target = value; // larger, or the first NaN
  }
  if (p.text("kind") == "mean")
    for (double& value : y.values)
      value /= static_cast<double>(x.count()) / y.count();
  return {y};
}

} // namespace burin::reference::reduce
