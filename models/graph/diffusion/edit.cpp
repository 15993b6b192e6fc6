// SPDX-License-Identifier: Apache-2.0
// Conditions, guidance and the linear multistep update.
#include "models/graph/diffusion/edit.h"

#include "models/graph/diffusion/unet.h"
#include "models/schedule/coefficients.h"

#include <algorithm>

namespace burin::models {

namespace {

// Coefficients of one step, one an edit.
class Coefficients {
public:
  Coefficients(GraphBuilder& b, Value table) : b_(b), table_(table) {}

  // To go with [edits, rows, width].
  Value row(int64_t i) {
    return b_.reshape(b_.slice(table_, 0, i, 1), {extent(table_, 1), 1, 1});
  }
  // One a evaluation of the network.
  Value timesteps(int64_t branches) {
    Value rows = b_.slice(table_, 0, schedule::timestepRow(branches), branches);
    return b_.reshape(rows, {branches * extent(table_, 1)});
  }

private:
  GraphBuilder& b_;
  Value table_;
};

// The network's input: the scaled sample beside each branch's picture. The
// sample is widened by zeros and added, so that one sum serves all branches; it
// is cast before it gets its shape, in the step that makes it.
Value networkInput(GraphBuilder& b, const EditStep& step, Value scale) {
  int64_t edits = extent(step.sample, 0), height = extent(step.sample, 1),
          width = extent(step.sample, 2), channels = extent(step.sample, 3);
  int64_t evaluations = extent(step.picture, 0);
  Value sample = b.reshape(step.sample, {edits, height * width, channels});
  Value scaled = b.mul(sample, scale);
  Value zeros = b.mul(scaled, b.constant(0, b.f32()));
  int64_t pixels = edits * height * width;
  Value wide =
      b.reshape(b.concat({scaled, zeros}, -1), {1, pixels, 2 * channels});
  Value pictures =
      b.reshape(step.picture, {evaluations / edits, pixels, 2 * channels});
  return b.reshape(b.cast(b.add(pictures, wide), b.activation()),
                   {evaluations, height, width, 2 * channels});
}

// sum_b weight_b output_b, [edits, h, w * c].
Value guide(GraphBuilder& b, Coefficients& c, Value output, int64_t branches) {
  int64_t edits = extent(output, 0) / branches;
  Value guided;
  for (int64_t i = 0; i < branches; ++i) {
    Value one = b.reshape(
        b.slice(output, 0, i * edits, edits),
        {edits, extent(output, 1), extent(output, 2) * extent(output, 3)});
    Value weighted = b.mul(one, c.row(schedule::kWeightRow + i));
    guided = guided ? b.add(guided, weighted) : weighted;
  }
  return guided;
}

} // namespace

int64_t editTexts(std::span<const EditBranch> branches, int64_t edits) {
  bool with = std::ranges::any_of(branches, &EditBranch::text);
  bool without = !std::ranges::all_of(branches, &EditBranch::text);
  return (with ? edits : 0) + (without ? 1 : 0);
}

Value editText(GraphBuilder& b, std::span<const EditBranch> branches,
               int64_t edits, Value states) {
  Value empty = b.slice(states, 0, extent(states, 0) - 1, 1);
  std::vector<Value> rows;
  for (const EditBranch& branch : branches) {
    if (branch.text)
      rows.push_back(b.slice(states, 0, 0, edits));
    else
      rows.insert(rows.end(), static_cast<size_t>(edits), empty);
  }
  return b.concat(rows, 0);
}

Value editPicture(GraphBuilder& b, std::span<const EditBranch> branches,
                  Value moments) {
  Value mean = b.slice(moments, -1, 0, extent(moments, -1) / 2);
  Value zeros = b.mul(mean, b.constant(0, b.f32()));
  std::vector<Value> rows;
  for (const EditBranch& branch : branches)
    rows.push_back(b.concat({zeros, branch.picture ? mean : zeros}, -1));
  return b.concat(rows, 0);
}

EditState editStep(GraphBuilder& b, const UNetConfig& config,
                   const EditStep& step) {
  using namespace schedule;
  int64_t edits = extent(step.sample, 0);
  int64_t branches = extent(step.picture, 0) / edits;
  auto kept = static_cast<int64_t>(kHistory) - 1;
  std::array<int64_t, 3> shape = {edits, extent(step.history, 2),
                                  extent(step.history, 3)};
  auto flat = [&](Value x) { return b.reshape(x, shape); };
  Coefficients c(b, step.coefficients);
  // `a` where the first flag is 1, `other` where the second is; both finite.
  auto choose = [&](int64_t flag, Value a, int64_t otherwise, Value other) {
    return b.add(b.mul(a, c.row(flag)), b.mul(other, c.row(otherwise)));
  };

  Value input = networkInput(b, step, c.row(kInputScaleRow));
  Value output =
      b.cast(unet(b, config, input, c.timesteps(branches), step.text), b.f32());
  Value m = guide(b, c, output, branches);

  // p = clip(a x + b m), which becomes the latest remembered or is forgotten.
  Value x = choose(kFromFirstRow, flat(step.first), kFromSampleRow,
                   flat(step.sample));
  Value p = b.add(b.mul(x, c.row(kPredictionSampleRow)),
                  b.mul(m, c.row(kPredictionOutputRow)));
  p = b.binary("max", b.binary("min", p, c.row(kHighestRow)),
               c.row(kLowestRow));
  Value newest = choose(kRememberedRow, p, kForgottenRow,
                        flat(b.slice(step.history, 0, 0, 1)));
  Value older = choose(kRememberedRow, b.slice(step.history, 0, 0, kept),
                       kForgottenRow, b.slice(step.history, 0, 1, kept));

  // x' = c x + d m + sum_k h_k p_k + e n
  Value next = b.add(b.mul(x, c.row(kSampleRow)), b.mul(m, c.row(kOutputRow)));
  next = b.add(next, b.mul(newest, c.row(kHistoryRow)));
  for (int64_t k = 1; k <= kept; ++k)
    next = b.add(
        next, b.mul(flat(b.slice(older, 0, k - 1, 1)), c.row(kHistoryRow + k)));
  next = b.add(next, b.mul(flat(step.noise), c.row(kNoiseRow)));
  Value history =
      b.concat({b.reshape(newest, {1, edits, shape[1], shape[2]}), older}, 0);
  return {b.reshape(next, {edits, extent(step.sample, 1),
                           extent(step.sample, 2), extent(step.sample, 3)}),
          history};
}

} // namespace burin::models
