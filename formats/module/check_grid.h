// SPDX-License-Identifier: Apache-2.0
// The checks of what only a launch on a GPU has.
#pragma once

#include "formats/module/module.h"

namespace burin::module {

// Whether a card can be asked for such a grid.
Status checkGrid(const Grid& grid);

// Whether the map describes a tensor within the `storage` bytes that `slice`
// lies in, in terms that the copy engine takes.
Status checkTensorMap(const TensorMap& map, const Slice& slice,
                      uint64_t storage);

} // namespace burin::module
