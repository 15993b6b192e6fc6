// SPDX-License-Identifier: Apache-2.0
// Low-rank terms beside a network's layers (LoRA, arXiv 2106.09685), for
// training and for running alike:
//
//   y = W x  ->  y = W x + B (gate * (A x))
//
// A is [rank, inputs, kh, kw] (a convolution's keeps its taps, stride and
// padding), B [outputs, rank, 1, 1], as PEFT has them. `gate` weighs each of
// the rank's rows: one number in training, alpha / rank; a row a sample where
// the samples of a batch have adapters of their own. Those are then stacked
// along the rank, and what is another's is weighed 0: two products whatever
// the number of adapters, and no op of their own.
#pragma once

#include "compiler/graph/builder.h"
#include "models/graph/request.h"

namespace burin::models {

// Adds the terms to a network that is built, in its block, by the names of its
// parameters below the builder's scope. `gate` is float32, [1] or
// [batch, rank], and stands before the network. Factors are parameters of the
// activations' type, "<layer>.lora_A.weight" and "<layer>.lora_B.weight". The
// error names layers that the network does not have.
Status addLowRankTerms(GraphBuilder& b, mlir::Block& block,
                       const AdapterRequest& adapter, Value gate);

// Whether a parameter is a factor of such a term.
bool isLowRankFactor(llvm::StringRef parameter);

} // namespace burin::models
