// SPDX-License-Identifier: Apache-2.0
// The gradients of attention; contracts.h says what they are. Parameters are
// checked by checkAttention.
#pragma once

#include "kernels/catalog.h"
#include "kernels/cpu/isa/isa.h"

namespace burin::kernels {

int64_t attentionGradientItems(std::span<const int64_t> params);
size_t attentionGradientScratchF32(std::span<const int64_t> params);
size_t attentionGradientScratchBF16(std::span<const int64_t> params);
void attentionGradientF32(const Isa& isa, const CallArgs& args, int64_t begin,
                          int64_t end, std::byte* scratch);
void attentionGradientBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                           int64_t end, std::byte* scratch);

} // namespace burin::kernels
