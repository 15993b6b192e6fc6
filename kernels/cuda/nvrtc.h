// SPDX-License-Identifier: Apache-2.0
// Kernel texts to machine code with NVRTC, which is opened when it is needed:
// neither building nor running Burin takes the CUDA toolkit, compiling for a
// GPU takes this one library of it, and no GPU.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/base/status.h"

namespace burin {

struct KernelText {
  std::string name; // of the file, in messages
  std::string text; // may include kernels/cuda's headers by path
};

// The cubin of each text for `target` ("sm_90a"), compiled on every processor
// at once. The error holds the compiler's first complaint. With
// $BURIN_KEEP_KERNELS set to a folder, the texts are written there.
Result<std::vector<std::vector<std::byte>>>
compileKernels(const std::vector<KernelText>& texts, const std::string& target);

// Whether NVRTC can be opened here, or why not.
Status nvrtcAvailable();

} // namespace burin
