// SPDX-License-Identifier: Apache-2.0
// Draws latent noise and turns it channels-last.
#include "models/pipeline/noise.h"

namespace burin::pipeline {

LatentNoise::LatentNoise(RandomMode mode, uint64_t seed,
                         std::span<const float> given, const Extent& latent,
                         int channels)
    : source_(makeNormalSource(mode, seed)), given_(given),
      channels_(static_cast<size_t>(channels)),
      pixels_(static_cast<size_t>(latent.width) *
              static_cast<size_t>(latent.height)),
      drawn_(given.empty() ? channels_ * pixels_ : 0) {}

void LatentNoise::draw(std::span<float> out) {
  std::span<const float> row = drawn_;
  if (drawn_.empty()) {
    row = given_.first(channels_ * pixels_);
    given_ = given_.subspan(channels_ * pixels_);
  } else {
    source_->fill(drawn_);
  }
  for (size_t c = 0; c < channels_; ++c)
    for (size_t p = 0; p < pixels_; ++p)
      out[p * channels_ + c] = row[c * pixels_ + p];
}

} // namespace burin::pipeline
