// SPDX-License-Identifier: Apache-2.0
// The oracle of checkpoint tensors.
#include "ops/reference.h"

namespace burin::reference::parameter {

std::vector<ReferenceTensor> compute(const ReferenceProperties& p,
                                     std::span<const ReferenceTensor> in) {
  return {in[0]}; // what the checkpoint holds
}

} // namespace burin::reference::parameter
