// SPDX-License-Identifier: Apache-2.0
// The contraction kernels and their packing; contracts.h says what they do.
#pragma once

#include "kernels/catalog.h"
#include "kernels/cpu/isa/isa.h"

namespace burin::kernels {

std::string_view checkContract(std::span<const int64_t> params);
int64_t contractItemsF32(std::span<const int64_t> params);
int64_t contractItemsBF16(std::span<const int64_t> params);
size_t contractScratchF32(std::span<const int64_t> params);
size_t contractScratchBF16(std::span<const int64_t> params);
void contractF32(const Isa& isa, const CallArgs& args, int64_t begin,
                 int64_t end, std::byte* scratch);
void contractBF16(const Isa& isa, const CallArgs& args, int64_t begin,
                  int64_t end, std::byte* scratch);

std::string_view checkPackContract(std::span<const int64_t> params);
int64_t packContractItems(std::span<const int64_t> params);
size_t packContractScratch(std::span<const int64_t> params);
void packContractF32(const CallArgs& args, int64_t begin, int64_t end,
                     std::byte* scratch);
void packContractBF16(const CallArgs& args, int64_t begin, int64_t end,
                      std::byte* scratch);
void packTransposedF32(const CallArgs& args, int64_t begin, int64_t end,
                       std::byte* scratch);
void packTransposedBF16(const CallArgs& args, int64_t begin, int64_t end,
                        std::byte* scratch);

} // namespace burin::kernels
