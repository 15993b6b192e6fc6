// SPDX-License-Identifier: Apache-2.0
// `burin bench --kernels` and `--tune`: library kernels of a card, on files of
// bench/shapes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/support/shapes.h"
#include "runtime/base/status.h"

namespace burin::cli {

struct KernelBenchOptions {
  bool tune = false;
  bool kernels = false;
  std::vector<std::string> shapes; // FILE or FILE@BATCH; empty: our networks'
  std::string output = "kernels/cuda/contract/tuned_h100.txt"; // of --tune
};

// The rows of "FILE@BATCH"; without a batch as they stand.
Result<std::vector<bench::ShapeRow>> readShapeRows(const std::string& argument);

Status benchKernels(const KernelBenchOptions& options,
                    const std::string& device, bool json);
Status tuneKernels(const KernelBenchOptions& options,
                   const std::string& device);

} // namespace burin::cli
