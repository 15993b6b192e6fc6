// SPDX-License-Identifier: Apache-2.0
// A step's coefficients as a tensor, which a compiled step reads, so that
// neither sampler nor scales nor the number of steps are compiled in.
//
// It is f32 [coefficientRows(branches), edits], a column for each edit that is
// computed at once: the rows below (schedule::Step says what they mean), then
// the weight of each guidance branch, then each branch's timestep.
#pragma once

#include <cstddef>
#include <cstdint>

namespace burin::schedule {

// How many predictions a sampler may remember.
inline constexpr size_t kHistory = 4;

enum CoefficientRow : int64_t {
  kInputScaleRow,
  kPredictionSampleRow,
  kPredictionOutputRow,
  kLowestRow,     // -clip
  kHighestRow,    // clip
  kRememberedRow, // 1 or 0
  kForgottenRow,  // 0 or 1
  kFromFirstRow,  // 1 or 0
  kFromSampleRow, // 0 or 1
  kSampleRow,
  kOutputRow,
  kNoiseRow,
  kHistoryRow, // the first of kHistory
  kWeightRow = kHistoryRow + static_cast<int64_t>(kHistory),
};

constexpr int64_t timestepRow(int64_t branches) {
  return kWeightRow + branches;
}
constexpr int64_t coefficientRows(int64_t branches) {
  return kWeightRow + 2 * branches;
}

} // namespace burin::schedule
