// SPDX-License-Identifier: Apache-2.0
// The optimizer's step as elementwise ops over rows.
#include "models/graph/train/optimizer.h"

#include "models/schedule/optimizer.h"

namespace burin::models {

namespace {

// What all elements share; each [1, 1].
struct Shared {
  std::array<Value, schedule::kHyperElements> hyper;
  Value scale; // of the gradients
  Value finite;
};

Value asRows(GraphBuilder& b, Value flat) {
  return b.reshape(flat, {extent(flat, 0) / kRowElements, kRowElements});
}

Value norm(GraphBuilder& b, Value flat, int64_t groups) {
  Value rows = b.reduce("sum", b.unary("square", asRows(b, flat)), {1});
  Value grouped = b.reshape(rows, {groups, extent(rows, 0) / groups});
  Value sums = b.reduce("sum", grouped, {1});
  return b.unary("sqrt", b.reduce("sum", sums, {0}));
}

std::array<Value, schedule::kHyperElements> elements(GraphBuilder& b,
                                                     Value tensor) {
  Value column = b.reshape(tensor, {schedule::kHyperElements, 1});
  std::array<Value, schedule::kHyperElements> values;
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = b.slice(column, 0, static_cast<int64_t>(i), 1);
  return values;
}

// Rows in, rows out. A predecessor is read by its successor alone, so that
// both may be one buffer.
OptimizerState update(GraphBuilder& b, const OptimizerState& x, Value gradient,
                      const Shared& shared, bool decays) {
  using namespace schedule;
  const auto& h = shared.hyper;
  auto chosen = [&](Value next, Value same) {
    return b.select(shared.finite, next, same);
  };
  auto towards = [&](Value from, Value to, Value rate) {
    return b.add(from, b.mul(b.sub(to, from), rate));
  };
  OptimizerState y;
  Value g = b.mul(gradient, shared.scale);
  y.firstMoment =
      chosen(towards(x.firstMoment, g, h[kFirstRate]), x.firstMoment);
  y.secondMoment = chosen(b.add(b.mul(x.secondMoment, h[kSecondDecay]),
                                b.mul(b.mul(g, g), h[kSecondRate])),
                          x.secondMoment);
  Value deviation =
      b.add(b.binary("div", b.unary("sqrt", y.secondMoment), h[kSecondScale]),
            h[kEpsilon]);
  Value kept = decays ? b.mul(x.parameters, h[kDecayFactor]) : x.parameters;
  y.parameters =
      chosen(b.sub(kept, b.mul(b.binary("div", y.firstMoment, deviation),
                               h[kStepSize])),
             x.parameters);
  y.average =
      chosen(towards(x.average, y.parameters, h[kAverageRate]), x.average);
  return y;
}

constexpr std::array kBuffers = {
    &OptimizerState::parameters, &OptimizerState::firstMoment,
    &OptimizerState::secondMoment, &OptimizerState::average};

} // namespace

OptimizerStep adamW(GraphBuilder& b, const ParameterLayout& layout,
                    const OptimizerState& state, Value gradients, Value hyper,
                    bool decayAll) {
  using namespace schedule;
  OptimizerStep step;
  Shared shared = {elements(b, hyper), {}, {}};
  step.partShare = shared.hyper[kPartShare];
  step.gradientNorm =
      b.mul(norm(b, gradients, layout.rowGroups), step.partShare);
  step.finite = shared.finite = b.unary("is_finite", step.gradientNorm);
  Value divisor = b.add(step.gradientNorm, b.constant(kNormEpsilon, b.f32()));
  Value fitting = b.binary("div", shared.hyper[kLargestNorm], divisor);
  shared.scale =
      b.mul(b.binary("min", fitting, b.constant(1, b.f32())), step.partShare);

  // Parts by where they end; the last decays like the weights or not at all.
  std::vector<int64_t> ends = {layout.size};
  if (!decayAll && layout.weights > 0 && layout.weights < layout.size)
    ends.insert(ends.begin(), layout.weights);
  std::array<std::vector<Value>, kBuffers.size()> parts;
  int64_t start = 0;
  for (int64_t end : ends) {
    auto part = [&](Value flat) {
      return asRows(b, b.slice(flat, 0, start, end - start));
    };
    OptimizerState rows;
    for (auto buffer : kBuffers)
      rows.*buffer = part(state.*buffer);
    bool decays = decayAll || end <= layout.weights;
    OptimizerState next = update(b, rows, part(gradients), shared, decays);
    for (size_t i = 0; i < kBuffers.size(); ++i)
      parts[i].push_back(b.reshape(next.*kBuffers[i], {end - start}));
    start = end;
  }
  for (size_t i = 0; i < kBuffers.size(); ++i)
    step.next.*kBuffers[i] = b.concat(parts[i], 0);
  return step;
}

} // namespace burin::models
