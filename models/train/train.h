// SPDX-License-Identifier: Apache-2.0
// A whole training, from its configuration to the model that it makes.
#pragma once

#include "models/train/config.h"
#include "models/train/loop.h"

namespace burin::train {

// What a training writes below its output folder:
//   model.burin         the model with averaged weights, to edit with; of an
//                       adapter adapter.safetensors, of PEFT's a folder adapter
//   state-NNN.burin     the newest states
//   log.jsonl           a row every 'log_every' steps
//   tensorboard/        the same, and samples, as event files
//   samples/            sheets of samples
//   encoded/            the data as latents and text states, unless 'cache'
//                       says another place
//   lock                held while it runs
// The first of these.
std::string modelPath(const TrainConfig& config);

// Checks everything before it writes anything. Goes on from the newest state
// in the output folder. kCancelled when it was asked to stop.
//
// The processes of a group take equal parts of each batch and learn what one
// would; they see the same files. All return the same error.
Result<TrainSummary> train(const TrainConfig& config, const TrainEvents& events,
                           ProcessGroup& group);

// Files in a folder of modules: TrainSession::beginning(), functions().
inline constexpr std::string_view kBeginningModule = "begin.burinm",
                                  kStepModule = "step.burinm";

struct ModuleJob {
  std::string processor; // targetOf() in models/pipeline/device.h
  std::string folder;
  int processes = 1; // that will train together
};

// Compiles what the training runs into a folder that TrainConfig::modules may
// name on a machine without the compiler. The data need not be there.
Status compileModules(const TrainConfig& config, const ModuleJob& job,
                      const TrainEvents& events);

} // namespace burin::train
