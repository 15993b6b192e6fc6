// SPDX-License-Identifier: Apache-2.0
// Times the kernels of a network one by one, against what the card can do.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bench/cuda/tune.h"

namespace burin::bench {

// The most that this card was seen to do, each in a second.
struct Ceilings {
  double flops; // of a product of 8192 x 8192 matrices, by our best tile
  double bytes; // read and written by a copy
};

struct KernelTime {
  std::string shape; // shapeKey
  std::string kind;
  int64_t count;
  std::string kernel;  // symbol
  double plain;        // seconds
  double network;      // seconds with what follows in the network
  double flops, bytes; // of the latter
  std::string failed;  // why there are no numbers

  // The least seconds that the ceilings allow, over those taken.
  double share(const Ceilings& ceilings) const;
  bool boundByMemory(const Ceilings& ceilings) const {
    return bytes / ceilings.bytes > flops / ceilings.flops;
  }
};

Result<Ceilings> measureCeilings(Device& device,
                                 const kernels::cuda::Target& target);

Result<std::vector<KernelTime>>
measureKernels(Device& device, const kernels::cuda::Target& target,
               std::span<const ShapeRow> rows, const Notice& notice);

} // namespace burin::bench
