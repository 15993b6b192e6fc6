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

std::string kernelOf(const StepInfo& step) {
  if (step.kernel.empty())
    return std::string(step.verb);
  // Generated symbols end in a number or a hash that tells equal kinds apart.
  std::string_view name = step.kernel;
  size_t tail = name.rfind('_');
  if (step.verb == "launch" && tail != name.npos &&
      name.substr(tail + 1).find_first_not_of("0123456789abcdef") == name.npos)
    name = name.substr(0, tail);
  return std::string(name);
}

std::vector<ProfileRow> profileByClass(std::span<const StepInfo> steps,
                                       std::span<const double> seconds) {
  return profileBy(steps, seconds, [](const StepInfo& step) {
    std::string name = kernelOf(step);
    return name.substr(0, name.find_first_of("_."));
  });
}

std::vector<ProfileRow> profileByKernel(std::span<const StepInfo> steps,
                                        std::span<const double> seconds) {
  return profileBy(steps, seconds, kernelOf);
}

std::vector<ProfileRow> profileByLocation(std::span<const StepInfo> steps,
                                          std::span<const double> seconds) {
  return profileBy(steps, seconds, [](const StepInfo& step) {
    return std::string(step.location) + " [" + kernelOf(step) + "]";
  });
}

} // namespace burin
