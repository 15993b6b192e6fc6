// SPDX-License-Identifier: Apache-2.0
// The normal stream of PyTorch's CPU generator.
#pragma once

#include <memory>

#include "runtime/random/normal_source.h"

namespace burin {

std::unique_ptr<NormalSource> makeTorchCpuSource(uint64_t seed);

} // namespace burin
