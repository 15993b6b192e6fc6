// SPDX-License-Identifier: Apache-2.0
// The oracle of conversions; rounding to a float type is left to whoever
// compares, because every result is rounded.
#include "ops/reference.h"

#include <cmath>

namespace burin::reference::cast {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  ReferenceTensor y = in[0];
  if (p.text("element")[0] == 'i')
    for (double& value : y.values)
      value = std::trunc(value);
  return {y};
}

} // namespace burin::reference::cast
