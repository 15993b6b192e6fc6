// SPDX-License-Identifier: Apache-2.0
// The attention kernels; contracts.h says what they do.
#pragma once

#include "kernels/catalog.h"
#include "kernels/cpu/isa/isa.h"

namespace burin::kernels {

std::string_view checkAttention(std::span<const int64_t> params);
int64_t attentionItems(std::span<const int64_t> params);
size_t attentionScratchF32(std::span<const int64_t> params);
size_t attentionScratchBF16(std::span<const int64_t> params);
void attentionF32(const Isa& isa, const CallArgs& args, int64_t begin,
                  int64_t end, std::byte* scratch);
void attentionBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                   int64_t end, std::byte* scratch);

} // namespace burin::kernels
