// SPDX-License-Identifier: Apache-2.0
// A whole training, from its configuration to the model that it makes.
#pragma once

#include "models/train/config.h"
#include "models/train/loop.h"

namespace burin::train {

// What a training writes below its output folder:
//   model.burin         the model with averaged weights, to edit with
//   state-NNN.burin     the newest states
//   log.jsonl           a row every 'log_every' steps
//   tensorboard/        the same, and samples, as event files
//   samples/            sheets of samples
//   encoded/            the data as latents and text states, unless 'cache'
//                       says another place
//   lock                held while it runs
std::string modelPath(const TrainConfig& config);

// Checks everything before it writes anything. Goes on from the newest state
// in the output folder. kCancelled when it was asked to stop.
Result<TrainSummary> train(const TrainConfig& config,
                           const TrainEvents& events);

// Compiles what the training runs for a processor (targetOf() in
// models/pipeline/device.h) into a folder that TrainConfig::modules may name
// on a machine without the compiler. The data need not be there.
Status compileModules(const TrainConfig& config, const std::string& processor,
                      const std::string& folder, const TrainEvents& events);

} // namespace burin::train
