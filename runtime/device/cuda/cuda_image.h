// SPDX-License-Identifier: Apache-2.0
// Loads compiled kernels onto a card.
#pragma once

#include "runtime/device/cuda/cuda_context.h"

namespace burin::cuda {

// Precondition: the context is entered; it must outlive the image.
Result<std::unique_ptr<CodeImage>> loadCudaImage(CudaContext& context,
                                                 const ImageSource& source);

} // namespace burin::cuda
