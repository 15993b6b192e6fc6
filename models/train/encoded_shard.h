// SPDX-License-Identifier: Apache-2.0
// A shard of examples as a training reads them: pictures as latents, texts as
// the encoder's states.
//
// It is a safetensors file. Of N examples with U different texts it has
//   text    i32  [N]              row of `states`; row 0 is the empty text
//   source  f16  [N, h, w, c]     means of the autoencoder's posterior,
//   target  f16  [N, h, w, c]     not scaled
//   states  bf16 [U, tokens, width]
//   fault   u8   [N]              why an example is left out, 0: it is not
// and metadata "fingerprint": what it was made from. At 256 pixels and Stable
// Diffusion's widths an example takes 16 kB of latents and a text 118 kB, so
// that 100,000 examples with texts of their own take 13 GB.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "formats/safetensors/safetensors.h"

namespace burin::train {

// Of one example.
struct EncodedShape {
  int64_t height = 0, width = 0, channels = 0; // of a latent picture
  int64_t tokens = 0, textWidth = 0;           // of a text's states

  size_t latents() const {
    return static_cast<size_t>(height * width * channels);
  }
  size_t states() const { return static_cast<size_t>(tokens * textWidth); }
  bool operator==(const EncodedShape&) const = default;
};

enum class Fault : uint8_t { kNone, kNoInstruction, kNotFinite };
inline constexpr uint8_t kFaults = 3;
// "has no instruction".
std::string_view describe(Fault fault);

// A mapped file whose tensors have these names, types and shapes.
class EncodedShard {
public:
  static Result<EncodedShard> open(const std::string& path,
                                   const EncodedShape& shape);

  int count() const { return count_; }
  std::string_view fingerprint() const { return fingerprint_; }
  // Bits of float16.
  std::span<const uint16_t> source(int i) const;
  std::span<const uint16_t> target(int i) const;
  // Bits of bfloat16: of example `i`'s text, and of the empty one.
  std::span<const uint16_t> states(int i) const;
  std::span<const uint16_t> emptyText() const;
  Fault fault(int i) const;

private:
  EncodedShard(SafetensorsFile file, const EncodedShape& shape)
      : file_(std::move(file)), shape_(shape) {}
  Status check();
  int32_t row(int i) const;

  SafetensorsFile file_;
  EncodedShape shape_;
  int count_ = 0;
  std::string fingerprint_;
  const TensorView* text_ = nullptr;
  const TensorView* source_ = nullptr;
  const TensorView* target_ = nullptr;
  const TensorView* states_ = nullptr;
  const TensorView* fault_ = nullptr;
};

} // namespace burin::train
