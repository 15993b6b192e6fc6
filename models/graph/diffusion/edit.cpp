// SPDX-License-Identifier: Apache-2.0
// Conditions, guidance and the linear multistep update.
#include "models/graph/diffusion/edit.h"

#include "models/graph/diffusion/unet.h"
#include "models/schedule/coefficients.h"

#include <algorithm>

namespace burin::models {

namespace {

using schedule::kHistory;

// Coefficients of one step, each [edits, 1] to go with [edits, elements].
class Coefficients {
public:
  Coefficients(GraphBuilder& b, Value table) : b_(b), table_(table) {}

  Value row(int64_t i) {
    return b_.reshape(b_.slice(table_, 0, i, 1), {extent(table_, 1), 1});
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

// `a` where `flag` is 1, `c` where it is 0; both are finite.
Value choose(GraphBuilder& b, Value flag, Value a, Value c) {
  Value other = b.sub(b.constant(1, b.f32()), flag);
  return b.add(b.mul(a, flag), b.mul(c, other));
}

// The network's input: the scaled sample beside each branch's picture. The
// sample is widened by zeros and added, so that one sum serves all branches.
Value networkInput(GraphBuilder& b, const EditStep& step, Value sample) {
  int64_t edits = extent(step.sample, 0), height = extent(step.sample, 1),
          width = extent(step.sample, 2), channels = extent(step.sample, 3);
  int64_t evaluations = extent(step.picture, 0);
  int64_t pixels = edits * height * width;
  Value narrow = b.reshape(sample, {pixels, channels});
  Value zeros = b.mul(narrow, b.constant(0, b.f32()));
  Value wide =
      b.reshape(b.concat({narrow, zeros}, 1), {1, pixels, 2 * channels});
  Value pictures =
      b.reshape(step.picture, {evaluations / edits, pixels, 2 * channels});
  return b.reshape(b.add(pictures, wide),
                   {evaluations, height, width, 2 * channels});
}

// sum_b weight_b output_b, [edits, elements].
Value guide(GraphBuilder& b, Coefficients& coefficients, Value output,
            int64_t branches, int64_t edits) {
  int64_t elements = extent(output, 1) * extent(output, 2) * extent(output, 3);
  Value guided;
  for (int64_t i = 0; i < branches; ++i) {
    Value one =
        b.reshape(b.slice(output, 0, i * edits, edits), {edits, elements});
    Value weighted = b.mul(one, coefficients.row(schedule::kWeightRow + i));
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
  int64_t edits = extent(step.sample, 0);
  int64_t branches = extent(step.picture, 0) / edits;
  int64_t elements = extent(step.history, 2);
  auto flat = [&](Value x) { return b.reshape(x, {edits, elements}); };
  auto latest = [&](Value history, int64_t k, int64_t count) {
    return b.slice(history, 0, k, count);
  };
  Coefficients c(b, step.coefficients);

  Value current = flat(step.sample);
  Value scaled = b.mul(current, c.row(schedule::kInputScaleRow));
  Value input = b.cast(networkInput(b, step, scaled), b.activation());
  Value output =
      b.cast(unet(b, config, input, c.timesteps(branches), step.text), b.f32());
  Value m = guide(b, c, output, branches, edits);

  // p = clip(a x + b m), which becomes the latest remembered or is forgotten.
  Value x =
      choose(b, c.row(schedule::kFromFirstRow), flat(step.first), current);
  Value p = b.add(b.mul(x, c.row(schedule::kPredictionSampleRow)),
                  b.mul(m, c.row(schedule::kPredictionOutputRow)));
  Value clip = c.row(schedule::kClipRow);
  p = b.binary("max", b.binary("min", p, clip), b.unary("neg", clip));
  Value remembered = c.row(schedule::kRememberedRow);
  Value newest = choose(b, remembered, p, flat(latest(step.history, 0, 1)));
  Value older = choose(b, remembered, latest(step.history, 0, kHistory - 1),
                       latest(step.history, 1, kHistory - 1));

  // x' = c x + d m + sum_k h_k p_k + e n
  Value next = b.add(b.mul(x, c.row(schedule::kSampleRow)),
                     b.mul(m, c.row(schedule::kOutputRow)));
  for (int64_t k = 0; k < static_cast<int64_t>(kHistory); ++k) {
    Value remembrance = k == 0 ? newest : flat(latest(older, k - 1, 1));
    next = b.add(next, b.mul(remembrance, c.row(schedule::kHistoryRow + k)));
  }
  next = b.add(next, b.mul(flat(step.noise), c.row(schedule::kNoiseRow)));
  Value history = b.concat({b.reshape(newest, {1, edits, elements}), older}, 0);
  return {b.reshape(next, {edits, extent(step.sample, 1),
                           extent(step.sample, 2), extent(step.sample, 3)}),
          history};
}

} // namespace burin::models
