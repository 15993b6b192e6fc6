// SPDX-License-Identifier: Apache-2.0
// The counter-based normals of runtime/base/philox.h, shared out in pieces.
#include "kernels/cpu/random_normal/random_normal.h"

#include <algorithm>

#include "kernels/cpu/contracts.h"
#include "kernels/cpu/limits.h"
#include "runtime/base/philox.h"

namespace burin::kernels {
namespace {

constexpr int64_t kItemElements = 4096;

} // namespace

std::string_view checkRandomNormal(std::span<const int64_t> params) {
  if (!fitsMemory({params[kRandomCount]}))
    return "random_normal's count must be from 1 to 2^40";
  return {};
}

int64_t randomNormalItems(std::span<const int64_t> params) {
  return (params[kRandomCount] - 1) / kItemElements + 1;
}

void randomNormal(const CallArgs& args, int64_t begin, int64_t end) {
  const auto* stream = static_cast<const int64_t*>(args.slices[0].data);
  const auto seed = static_cast<uint64_t>(stream[0]);
  const auto offset = static_cast<uint64_t>(stream[1]);
  auto* out = static_cast<float*>(args.slices[1].data);
  const int64_t last = std::min(args.params[kRandomCount], end * kItemElements);
  for (int64_t i = begin * kItemElements; i < last; i += 4) {
    const auto four =
        philoxNormals(seed, offset + static_cast<uint64_t>(i) / 4);
    std::copy_n(four.begin(), std::min<int64_t>(4, last - i), out + i);
  }
}

} // namespace burin::kernels
