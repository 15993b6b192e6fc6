// SPDX-License-Identifier: Apache-2.0
// Passes the pictures and texts of a shard through a model's encoders, once.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "formats/dataset/shard.h"
#include "formats/image/image.h"
#include "models/text/clip_tokenizer.h"
#include "models/train/encoded_shard.h"

namespace burin::train {

// The encoders of a model. A test has its own.
class ExampleEncoder {
public:
  virtual ~ExampleEncoder() = default;

  // The most pictures or texts that one call takes.
  virtual size_t pictureLimit() const = 0;
  virtual size_t textLimit() const = 0;
  // The means of the posteriors, [images, height, width, channels].
  virtual Status encodePictures(std::span<const Image> images,
                                std::span<float> means) = 0;
  // `ids` [texts, tokens] as states [texts, tokens, width].
  virtual Status encodeTexts(std::span<const int64_t> ids,
                             std::span<float> states) = 0;
};

struct EncodeJob {
  EncodedShape shape;
  int size = 0; // of the pictures that the encoder reads, in pixels
  std::string path;
  std::string fingerprint;
};

// Writes the encoded shard, beside its place and renamed. `advance` is called
// with the number of further examples that are done; its error stops the work.
Status encodeShard(const Shard& shard, const EncodeJob& job,
                   const text::ClipTokenizer& tokenizer,
                   ExampleEncoder& encoder,
                   const std::function<Status(int64_t)>& advance);

} // namespace burin::train
