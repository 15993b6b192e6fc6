// SPDX-License-Identifier: Apache-2.0
// Where the time of a function goes.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/program/program.h"

namespace burin {

// Steps that share a key.
struct ProfileRow {
  std::string key;
  size_t steps = 0;
  double seconds = 0;
  uint64_t flops = 0;
  uint64_t bytes = 0;
};

// Sums up `seconds`, one entry a step, by `key`; the slowest first.
std::vector<ProfileRow>
profileBy(std::span<const StepInfo> steps, std::span<const double> seconds,
          const std::function<std::string(const StepInfo&)>& key);

// What runs: a library kernel's name, the name of a generated kernel without
// the number that ends it, or the verb.
std::string kernelOf(const StepInfo& step);

// profileBy the first word of what runs ("contract", "attention", "rows"), by
// what runs, and by layer and what runs there.
std::vector<ProfileRow> profileByClass(std::span<const StepInfo> steps,
                                       std::span<const double> seconds);
std::vector<ProfileRow> profileByKernel(std::span<const StepInfo> steps,
                                        std::span<const double> seconds);
std::vector<ProfileRow> profileByLocation(std::span<const StepInfo> steps,
                                          std::span<const double> seconds);

} // namespace burin
