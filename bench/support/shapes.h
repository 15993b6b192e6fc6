// SPDX-License-Identifier: Apache-2.0
// Reads the files of bench/shapes: the work that real models are made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/status.h"

namespace burin::bench {

// One line: how often a forward has it, the kind of work, its sizes in the
// order that the file's head names.
struct ShapeRow {
  int64_t count;
  std::string kind;
  std::vector<int64_t> sizes;

  std::string name() const; // "conv/1/64/64/320/320/3/1/1/1"
  // Multiply-adds count twice; 0 where data movement is all there is.
  double flops() const;
};

Result<std::vector<ShapeRow>> readShapes(const std::string& path);

} // namespace burin::bench
