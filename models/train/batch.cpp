// SPDX-License-Identifier: Apache-2.0
// Draws and widens the rows of a batch.
#include "models/train/batch.h"

#include <algorithm>
#include <cmath>

#include "runtime/base/philox.h"

namespace burin::train {
namespace {

// Standard normals under a seed of their own.
void fillNormals(uint64_t seed, std::span<float> out) {
  for (size_t block = 0; 4 * block < out.size(); ++block) {
    std::array<float, 4> normals = philoxNormals(seed, block);
    size_t count = std::min<size_t>(4, out.size() - 4 * block);
    std::copy_n(normals.begin(), count, out.begin() + 4 * block);
  }
}

void widenLatents(std::span<const uint16_t> from, double scale,
                  std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(scale) * f16ToFloat(from[i]);
}

} // namespace

Batcher::Draw Batcher::draw(int64_t step, int64_t row) const {
  std::array<uint32_t, 4> words =
      philoxWords(options_.seed, static_cast<uint64_t>(step),
                  streamOf(RandomStream::kRow, static_cast<uint64_t>(row)));
  Draw draw;
  draw.noiseSeed = uint64_t{words[0]} << 32 | words[1];
  auto steps = static_cast<uint64_t>(levels_.count());
  draw.timestep = static_cast<int>(uint64_t{words[2]} * steps >> 32);
  // One number decides, so that the shares are disjoint: text alone, both,
  // picture alone, neither.
  double chance = words[3] * 0x1p-32;
  const DropoutConfig& share = options_.dropout;
  draw.withoutText = chance < share.text + share.both;
  draw.withoutPicture =
      chance >= share.text && chance < share.text + share.both + share.picture;
  return draw;
}

void Batcher::fill(int64_t step, Batch& batch) {
  const EncodedShape& shape = data_.shape();
  auto rows = static_cast<size_t>(options_.batch / options_.shares);
  int64_t firstRow = options_.share * static_cast<int64_t>(rows);
  for (auto* values : {&batch.target, &batch.source, &batch.noise})
    values->resize(rows * shape.latents());
  batch.states.resize(rows * shape.states());
  for (auto* values : {&batch.timestep, &batch.signal, &batch.noiseLevel})
    values->resize(rows);
  for (size_t row = 0; row < rows; ++row) {
    auto part = [&](std::vector<float>& values) {
      size_t size = values.size() / rows;
      return std::span(values).subspan(row * size, size);
    };
    int64_t index = firstRow + static_cast<int64_t>(row);
    Draw draw = this->draw(step, index);
    Dataset::Example example =
        data_.at(order_.at(step * options_.batch + index));
    widenLatents(example.target, options_.scaling, part(batch.target));
    if (draw.withoutPicture)
      std::ranges::fill(part(batch.source), 0.0f);
    else
      widenLatents(example.source, 1, part(batch.source));
    std::ranges::transform(draw.withoutText ? data_.emptyText()
                                            : example.states,
                           part(batch.states).begin(), bf16ToFloat);
    fillNormals(draw.noiseSeed, part(batch.noise));
    double alphaBar = levels_.alphaBar(draw.timestep);
    batch.timestep[row] = static_cast<float>(draw.timestep);
    batch.signal[row] = static_cast<float>(std::sqrt(alphaBar));
    batch.noiseLevel[row] = static_cast<float>(std::sqrt(1 - alphaBar));
  }
}

} // namespace burin::train
