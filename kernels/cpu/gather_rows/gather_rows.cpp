// SPDX-License-Identifier: Apache-2.0
// Copies whole rows, so that one kernel serves every element type.
#include "kernels/cpu/gather_rows/gather_rows.h"

#include <cstring>

#include "kernels/cpu/contracts.h"
#include "kernels/cpu/limits.h"

namespace burin::kernels {

std::string_view checkGatherRows(std::span<const int64_t> params) {
  for (int i = 0; i < kGatherParamCount; ++i)
    if (params[i] < 1 || params[i] > INT32_MAX)
      return "gather_rows' sizes must be positive and below 2^31";
  const int64_t rowBytes = params[kGatherWidth] * params[kGatherElementBytes];
  if (!fitsMemory({params[kGatherRows], rowBytes}) ||
      !fitsMemory({params[kGatherCount], rowBytes}))
    return "gather_rows' table and result must have at most 2^40 bytes";
  if (params[kGatherIndexBytes] != 4 && params[kGatherIndexBytes] != 8)
    return "gather_rows' indices must be i32 or i64";
  if (params[kGatherRows] % params[kGatherGroups] != 0 ||
      params[kGatherCount] % params[kGatherGroups] != 0)
    return "gather_rows' table and indices must divide into its groups";
  return {};
}

int64_t gatherRowsItems(std::span<const int64_t> params) {
  return params[kGatherCount];
}

void gatherRows(const CallArgs& args, int64_t begin, int64_t end) {
  const auto p = args.params;
  const View &table = args.slices[0], &index = args.slices[1],
             &out = args.slices[2];
  const int64_t rows = p[kGatherRows] / p[kGatherGroups];
  const int64_t perGroup = p[kGatherCount] / p[kGatherGroups];
  const int64_t bytes = p[kGatherElementBytes];
  for (int64_t i = begin; i < end; ++i) {
    const int64_t at = p[kGatherIndexBytes] == 8
                           ? static_cast<const int64_t*>(index.data)[i]
                           : static_cast<const int32_t*>(index.data)[i];
    auto* to = static_cast<std::byte*>(out.data) + i * out.pitch * bytes;
    const int64_t row = i / perGroup * rows + at;
    if (at < 0 || at >= rows)
      std::memset(to, 0xff, p[kGatherWidth] * bytes);
    else
      std::memcpy(to,
                  static_cast<const std::byte*>(table.data) +
                      row * table.pitch * bytes,
                  p[kGatherWidth] * bytes);
  }
}

} // namespace burin::kernels
