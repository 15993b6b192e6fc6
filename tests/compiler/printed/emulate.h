// SPDX-License-Identifier: Apache-2.0
// Runs printed texts; the file that print_kernels writes includes it.
#pragma once

#include "tests/compiler/printed/kernels.h"

#include "block.cuh"

#include "common/access.cuh"
#include "common/rows.cuh"

#include <algorithm>

namespace burin::printed {

template <int N>
void runKernel(void (*kernel)(Views<N>), unsigned blocks, unsigned threads,
               const Slice* slices) {
  Views<N> views;
  for (int i = 0; i < N; ++i)
    views.view[i] = {slices[i].data, slices[i].pitch};
  emulated::runGrid(blocks, threads, [&] { kernel(views); });
}

// Eight columns at a time, as contractions hand them out; what lies past the
// columns is whatever a tile held there.
template <class Epilogue, int N>
void runEpilogue(const float* const* tiles, const Slice* slices, int64_t rows) {
  View views[N];
  for (int i = 0; i < N; ++i)
    views[i] = {slices[i].data, slices[i].pitch};
  constexpr int kOutputs = Epilogue::kOutputs;
  Epilogue epilogue;
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < kOutputs; column += 8) {
      float value[8] = {}, gate[8] = {};
      for (int i = 0; i < std::min(8, kOutputs - column); ++i) {
        value[i] = tiles[0][row * kOutputs + column + i];
        if (Epilogue::kGated)
          gate[i] = tiles[1][row * kOutputs + column + i];
      }
      auto operand = epilogue.fetch(views, row, column);
      epilogue.finish(views, value, gate, operand, row, column);
    }
}

} // namespace burin::printed
