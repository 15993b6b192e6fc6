// SPDX-License-Identifier: Apache-2.0
// Sums of step times.
#include "runtime/program/profile.h"

#include <algorithm>
#include <unordered_map>

namespace burin {

std::vector<ProfileRow>
profileBy(std::span<const StepInfo> steps, std::span<const double> seconds,
          const std::function<std::string(const StepInfo&)>& key) {
  std::vector<ProfileRow> rows;
  std::unordered_map<std::string, size_t> rowOf;
  for (size_t i = 0; i < std::min(steps.size(), seconds.size()); ++i) {
    std::string name = key(steps[i]);
    size_t row = rowOf.try_emplace(name, rows.size()).first->second;
    if (row == rows.size())
      rows.push_back({std::move(name)});
    rows[row].steps += 1;
    rows[row].seconds += seconds[i];
    rows[row].flops += steps[i].flops;
    rows[row].bytes += steps[i].bytes;
  }
  std::ranges::stable_sort(rows, std::greater(), &ProfileRow::seconds);
  return rows;
}

std::vector<ProfileRow> profileByKernel(std::span<const StepInfo> steps,
                                        std::span<const double> seconds) {
  return profileBy(steps, seconds, [](const StepInfo& step) {
    return std::string(step.verb == "call" ? step.kernel : step.verb);
  });
}

std::vector<ProfileRow> profileByLocation(std::span<const StepInfo> steps,
                                          std::span<const double> seconds) {
  return profileBy(steps, seconds, [](const StepInfo& step) {
    return std::string(step.location);
  });
}

} // namespace burin
