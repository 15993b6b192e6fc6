// SPDX-License-Identifier: Apache-2.0
// Kaiming's uniform numbers with a slope of sqrt(5): gain / sqrt(n) * sqrt(3)
// with gain = sqrt(2 / (1 + 5)) is 1 / sqrt(n).
#include "models/adapters/initialize.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/philox.h"

namespace burin::adapters {

void initializeFactor(std::string_view name, std::span<const int64_t> shape,
                      uint64_t seed, uint64_t stream, std::span<float> values) {
  std::ranges::fill(values, 0.0f);
  if (!name.ends_with(kDownFactor))
    return;
  constexpr size_t kWords = 4;
  const auto inputs =
      static_cast<double>(values.size()) / static_cast<double>(shape[0]);
  const double bound = 1 / std::sqrt(inputs);
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t word = philoxWords(seed, i / kWords, stream)[i % kWords];
    const double unit = (word + 0.5) * 0x1p-32;
    values[i] = static_cast<float>(bound * (2 * unit - 1));
  }
}

} // namespace burin::adapters
