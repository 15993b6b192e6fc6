// SPDX-License-Identifier: Apache-2.0
// AdamW with clipping and a moving average, on flat buffers
// (models/schedule/optimizer.h has the formulas).
#pragma once

#include "models/graph/train/layout.h"

namespace burin::models {

// Values of float32 [layout.size].
struct OptimizerState {
  Value parameters;
  Value firstMoment;
  Value secondMoment;
  Value average;
};

struct OptimizerStep {
  OptimizerState next;
  Value gradientNorm; // [1, 1], of the mean gradient, before clipping
  Value finite;       // [1, 1]: 1, or 0 where that norm is not finite
  Value partShare;    // [1, 1], of `hyper`
};

// The state after one step; where the norm is not finite, the same state.
// `gradients` is a sum over parts; `hyper` has schedule::kHyperElements
// elements. Parameters that are no
// weights decay only where `decayAll` is set.
//
// Contract: the four values of `state` may lie where their successors are
// written. Each part of the buffers is updated by one region, all parallel,
// in which the element of a successor is written by what read that element of
// its predecessor last; and the region reads the norm, so that it comes after
// every op that the gradients depend on. What else reads `state` must be one
// of those.
OptimizerStep adamW(GraphBuilder& b, const ParameterLayout& layout,
                    const OptimizerState& state, Value gradients, Value hyper,
                    bool decayAll);

} // namespace burin::models
