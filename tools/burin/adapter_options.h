// SPDX-License-Identifier: Apache-2.0
// Adapters beside the weights of a function that is timed or compiled alone.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "formats/checkpoint/checkpoint.h"
#include "models/pipeline/compile_request.h"

namespace burin::cli {

struct AdapterOptions {
  int count = 0; // side by side, one a sample in a batch of as many edits
  int rank = 16; // of each
  std::vector<std::string> targets = {"to_q", "to_k", "to_v", "to_out.0"};
};

// --adapters, which is returned, --rank and --targets.
CLI::Option* addAdapterOptions(CLI::App* command, AdapterOptions& options);

// The request with them, as edits ask for it; unchanged where there are none.
Status addAdapters(const AdapterOptions& options, const Checkpoint& model,
                   FunctionRequest& request);

} // namespace burin::cli
