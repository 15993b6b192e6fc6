// SPDX-License-Identifier: Apache-2.0
// Makes an adapter file of factors that were trained.
#pragma once

#include <string>

#include "models/pipeline/train_session.h"
#include "models/train/config.h"

namespace burin::train {

// `trained` are the factors of a session with that adapter; the file, or for
// PEFT the folder, is in the configuration's layout.
Status exportAdapter(const AdapterConfig& adapter,
                     const pipeline::TrainedTensors& trained,
                     const std::string& path);

// A text that differs between adapters whose states do not fit each other.
std::string adapterFingerprint(const pipeline::TrainAdapter& adapter);

} // namespace burin::train
