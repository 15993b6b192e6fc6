// SPDX-License-Identifier: Apache-2.0
// Times whole training steps as `burin train` makes them: a batch goes to the
// device, an update is made, its loss comes back.
#pragma once

#include "tools/burin/bench_measure.h"

namespace burin::cli {

// Extents that are not given are the model's own.
Result<Measured> measureTraining(const BenchOptions& options);

} // namespace burin::cli
