// SPDX-License-Identifier: Apache-2.0
// Makes a model that runs of one that was trained.
#pragma once

#include <string>

#include "formats/checkpoint/checkpoint.h"
#include "models/pipeline/train_session.h"

namespace burin::train {

// `start` with the tensors that were trained in place of its own; all else,
// metadata too, stays as it is. The file appears when it is complete.
Status exportModel(const Checkpoint& start,
                   const pipeline::TrainedTensors& trained,
                   const std::string& path);

// A text that differs between models in what has one of these prefixes:
// names, shapes, the beginning of every tensor, and the configurations.
std::string modelFingerprint(const Checkpoint& model,
                             std::span<const std::string_view> prefixes);

} // namespace burin::train
