// SPDX-License-Identifier: Apache-2.0
// Where the input rows of a block of output positions lie: implicit im2col is
// nothing but this table of pointers.
#pragma once

#include <cstdint>

#include "kernels/cpu/contract/geometry.h"

namespace burin::kernels {

// Fills table[tap * rowBlock + i] with the input row that output position
// firstRow + i reads for that tap, tap = ky * kernelWidth + kx, or with `zeros`
// outside the input. Rows are `pitch` elements apart. T is float or uint16_t.
template <typename T>
void fillRowTable(const Geometry& geometry, const T* input, int64_t pitch,
                  const T* zeros, int64_t firstRow, int64_t count,
                  int64_t rowBlock, const T** table);

} // namespace burin::kernels
