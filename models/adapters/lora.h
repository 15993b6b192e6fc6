// SPDX-License-Identifier: Apache-2.0
// Low-rank adapters (LoRA, arXiv 2106.09685): beside a frozen weight W they
// keep A [rank, inputs] and B [outputs, rank], and the layer computes
//   y = W x + s B (A x),  s = alpha / rank times the strength that is asked
//   for.
//
// Files are safetensors in one of three layouts:
//   diffusers  unet.<layer>.lora.down.weight, <layer>.lora_A.weight, older ones
//              <attention>.processor.to_q_lora.down.weight; scale 1 unless
//              `alpha` tensors or the file's metadata say otherwise
//   PEFT       a folder with adapter_config.json (lora_alpha, r) and
//              adapter_model.safetensors:
//              base_model.model.<layer>.lora_A.weight
//   kohya      lora_unet_<layer with _ for .>.lora_down.weight, .alpha;
//              lora_te_... for the text encoder
#pragma once

#include <string>
#include <vector>

#include "formats/safetensors/safetensors.h"

namespace burin::adapters {

// One layer's term. `target` names a weight of the model, whose extents but
// the first count as inputs: so a convolution has an A [rank, inputs, kh, kw].
struct LowRank {
  std::string target;
  TensorView down, up; // A and B, valid while the adapter lives
  int64_t rank = 0;
  double scale = 1; // alpha / rank
};

class Adapter {
public:
  // Opens a file or a folder and matches it to the tensors of a model. The
  // error lists keys that no layer of the model answers to, halves without
  // their other half, and shapes that do not fit.
  static Result<Adapter> open(const std::string& path,
                              std::span<const TensorView> model);

  const std::string& path() const { return path_; }
  // Ascending by target, each there once.
  std::span<const LowRank> terms() const { return terms_; }

private:
  Adapter(std::string path, SafetensorsFile file)
      : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  SafetensorsFile file_;
  std::vector<LowRank> terms_;
};

} // namespace burin::adapters
