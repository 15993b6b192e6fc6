// SPDX-License-Identifier: Apache-2.0
// Makes adapters part of a checkpoint.
#pragma once

#include "models/adapters/adapted_weights.h"

namespace burin::adapters {

// Writes `output`, the model of `source` with every tensor as AdaptedWeights
// gives it, in the source's types and with its metadata; "adapters" in there
// lists what was merged. Either writes a whole checkpoint or leaves `output`
// as it was. Gives the bytes of all tensors.
Result<uint64_t> mergeAdapters(const std::string& source,
                               std::span<const AdapterUse> uses,
                               const std::string& output);

} // namespace burin::adapters
