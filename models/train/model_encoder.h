// SPDX-License-Identifier: Apache-2.0
// The encoders of a model, compiled.
#pragma once

#include <memory>

#include "models/pipeline/session.h"
#include "models/train/encode.h"

namespace burin::train {

// What an encoder of pictures of size x size pixels runs.
std::vector<FunctionRequest> encoderFunctions(const EncodedShape& shape,
                                              int size);

// For pictures of size x size pixels. `options` says where and how to compute;
// `device` is the one it names.
Result<std::unique_ptr<ExampleEncoder>>
openModelEncoder(Checkpoint model, const EncodedShape& shape, int size,
                 SessionOptions options, std::shared_ptr<Device> device);

} // namespace burin::train
