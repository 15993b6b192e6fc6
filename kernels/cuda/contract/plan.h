// SPDX-License-Identifier: Apache-2.0
// Launches of contractions: convolutions and linear layers, and the packing of
// their weights (kernels/cpu/contracts.h says what is computed).
//
// bf16 and f16 on sm_90a run contract_sm90.cuh, where the input's rows are
// multiples of 16 bytes apart at addresses that are; everything else runs
// contract_simt.cuh. Both read one packed form, so that weights may be packed
// before it is known how inputs lie.
//
// The sums of a row depend on that row's input and on the weights alone, given
// the tile: they are the same wherever in a batch the row stands.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

// For tuning and measuring; the defaults leave the choice to select.h.
struct ContractOptions {
  std::string tile;     // one of contractTiles()
  int pixelsFirst = -1; // 0 or 1: the order of tiles
};

// Names such as "192x160c3k2": 192 pixels by 160 channels, 3 consuming
// warpgroups, K split over 2 CTAs; "m2", "n2": input or weights multicast to
// 2 tiles; "pp": ping-pong; "r2": two CTAs to a multiprocessor.
std::vector<std::string> contractTiles();

// `params` are those of "contract" (ContractParam). Slices of the step:
// {input, packed weights as u8, the epilogue's}. With a gated epilogue the
// output channels are two halves, values and gates.
Result<LaunchPlan> planContract(std::span<const int64_t> params,
                                const SliceInfo& input,
                                const EpilogueText& epilogue,
                                const Target& target,
                                const ContractOptions& options = {});

// The same of "contract_shortcut": slices {input, packed weights as u8,
// shortcut, the epilogue's}. Unimplemented where anything else than
// contract_sm90.cuh would serve the contraction, or the copy engine cannot
// read the shortcut: then its product is a contraction of its own.
Result<LaunchPlan>
planContractShortcut(std::span<const int64_t> params, const SliceInfo& input,
                     const SliceInfo& shortcut, const EpilogueText& epilogue,
                     const Target& target, const ContractOptions& options = {});

// Bytes of the packed weights that planContract(params, ...) reads for an
// input of that type.
int64_t packedContractBytes(std::span<const int64_t> params, DType dtype,
                            bool gated, const Target& target);

// How a weight lies, and which it is: that of the taps or of the shortcut.
struct PackOptions {
  bool transposed = false;
  bool shortcut = false;
};

// Packs a weight [rows, channels, ky, kx] (or [rows, channels]) as rows
// [firstRow, firstRow + rows) of the packed matrix that `contractParams`
// describes: several weights may be stacked along the output channels. Every
// byte of the packed form is written once all output channels are packed, for
// the taps and for the shortcut if there is one. A
// `transposed` weight is [channels, rows, ky, kx] (or [channels, rows]), with
// the taps in reverse. Only the rows of a weight of rank 2 may lie apart.
// Slices of the step: {weight (f32, bf16 or f16), packed as u8}.
Result<LaunchPlan> planPackContract(std::span<const int64_t> contractParams,
                                    DType weightDType, int64_t rows,
                                    int64_t firstRow, DType dtype, bool gated,
                                    const Target& target,
                                    const PackOptions& options = {});

} // namespace burin::kernels::cuda
