// SPDX-License-Identifier: Apache-2.0
// The random numbers of an edit, in the order and shape in which PyTorch
// pipelines draw them, so that a seed gives the picture it gives there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/pipeline/picture.h"
#include "runtime/random/normal_source.h"

namespace burin::pipeline {

// Latent pictures of standard normal numbers, one after another: [pixels,
// channels] here, drawn as [channels, height, width].
class LatentNoise {
public:
  // Hands out the rows of `given`, which must outlive this object, unless it
  // is empty.
  LatentNoise(RandomMode mode, uint64_t seed, std::span<const float> given,
              const Extent& latent, int channels);

  // Precondition: rows are left where they were given.
  void draw(std::span<float> out);

private:
  std::unique_ptr<NormalSource> source_;
  std::span<const float> given_;
  size_t channels_, pixels_;
  std::vector<float> drawn_;
};

} // namespace burin::pipeline
