// SPDX-License-Identifier: Apache-2.0
// Random weights for a network that is to learn from nothing.
#pragma once

#include <string_view>

#include "formats/checkpoint/checkpoint.h"
#include "models/pipeline/train_session.h"

namespace burin::train {

// New values for the tensors whose names have the prefix, in their types; a
// function of names, shapes and seed. Weights of products and convolutions,
// and the biases beside them, are uniform in +-1/sqrt(fan in); norms begin as
// the identity. An error names a tensor of another type than float.
Result<pipeline::TrainedTensors>
randomTensors(const Checkpoint& model, std::string_view prefix, uint64_t seed);

} // namespace burin::train
