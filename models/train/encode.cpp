// SPDX-License-Identifier: Apache-2.0
// Streams tensor by tensor, so that a shard of any size takes little memory.
#include "models/train/encode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "formats/image/resize.h"

namespace burin::train {
namespace {

// The different texts of a shard; the empty one is the first.
struct Texts {
  std::vector<int64_t> ids;  // [texts, tokens]
  std::vector<int32_t> rows; // of each example
  size_t count = 0;
};

Texts textsOf(const Shard& shard, const text::ClipTokenizer& tokenizer,
              std::vector<Fault>& faults) {
  Texts texts;
  std::map<std::string, int32_t, std::less<>> known;
  auto rowOf = [&](std::string_view text) {
    auto [place, isNew] = known.emplace(text, texts.count);
    if (isNew) {
      text::Encoding encoding = tokenizer.encode(text);
      texts.ids.insert(texts.ids.end(), encoding.ids.begin(),
                       encoding.ids.end());
      ++texts.count;
    }
    return place->second;
  };
  rowOf("");
  for (int i = 0; i < shard.count(); ++i) {
    bool empty = tokenizer.encodeText(shard.text(i)).empty();
    texts.rows.push_back(empty ? 0 : rowOf(shard.text(i)));
    if (empty)
      faults[static_cast<size_t>(i)] = Fault::kNoInstruction;
  }
  return texts;
}

Image imageOf(std::span<const uint8_t> pixels, int side, int size) {
  Image image(side, side);
  std::ranges::copy(pixels, image.pixels.begin());
  return side == size ? image : fit(image, size, size);
}

class ShardEncoder {
public:
  ShardEncoder(const Shard& shard, const EncodeJob& job,
               ExampleEncoder& encoder,
               const std::function<Status(int64_t)>& advance)
      : shard_(shard), job_(job), encoder_(encoder), advance_(advance),
        faults_(static_cast<size_t>(shard.count()), Fault::kNone) {}

  Status run(const text::ClipTokenizer& tokenizer) {
    Texts texts = textsOf(shard_, tokenizer, faults_);
    const EncodedShape& s = job_.shape;
    int64_t n = shard_.count();
    Shape pictures = {n, s.height, s.width, s.channels};
    auto count = static_cast<int64_t>(texts.count);
    // Wide elements first keeps every tensor aligned to its element.
    const std::array<TensorSpec, 5> specs = {{
        {"text", DType::kI32, {n}},
        {"source", DType::kF16, pictures},
        {"target", DType::kF16, pictures},
        {"states", DType::kBF16, {count, s.tokens, s.textWidth}},
        {"fault", DType::kU8, {n}},
    }};
    BURIN_ASSIGN(SafetensorsWriter writer,
                 SafetensorsWriter::create(
                     job_.path, specs, {{"fingerprint", job_.fingerprint}}));
    BURIN_TRY(writer.write(std::as_bytes(std::span(texts.rows))));
    BURIN_TRY(writePictures(writer, &Shard::source));
    BURIN_TRY(writePictures(writer, &Shard::target));
    BURIN_TRY(writeTexts(writer, texts));
    BURIN_TRY(writer.write(std::as_bytes(std::span(faults_))));
    return writer.commit();
  }

private:
  using Picture = std::span<const uint8_t> (Shard::*)(int) const;

  Status writePictures(SafetensorsWriter& writer, Picture picture) {
    size_t size = job_.shape.latents();
    int limit = static_cast<int>(encoder_.pictureLimit());
    for (int first = 0; first < shard_.count(); first += limit) {
      int last = std::min(first + limit, shard_.count());
      std::vector<Image> images;
      for (int i = first; i < last; ++i)
        images.push_back(
            imageOf((shard_.*picture)(i), shard_.side(), job_.size));
      std::vector<float> means(images.size() * size);
      BURIN_TRY(encoder_.encodePictures(images, means));
      std::vector<uint16_t> narrow(means.size());
      for (size_t j = 0; j < means.size(); ++j) {
        narrow[j] = floatToF16(means[j]);
        // What is too large for float16 has become infinite.
        if (!std::isfinite(f16ToFloat(narrow[j])))
          faults_[static_cast<size_t>(first) + j / size] = Fault::kNotFinite;
      }
      BURIN_TRY(writer.write(std::as_bytes(std::span(narrow))));
      if (picture == &Shard::target) // the later half of the work
        BURIN_TRY(advance_(last - first));
    }
    return okStatus();
  }

  Status writeTexts(SafetensorsWriter& writer, const Texts& texts) {
    auto tokens = static_cast<size_t>(job_.shape.tokens);
    for (size_t first = 0; first < texts.count; first += encoder_.textLimit()) {
      size_t count = std::min(encoder_.textLimit(), texts.count - first);
      std::vector<float> states(count * job_.shape.states());
      BURIN_TRY(encoder_.encodeTexts(
          std::span(texts.ids).subspan(first * tokens, count * tokens),
          states));
      std::vector<uint16_t> narrow(states.size());
      std::ranges::transform(states, narrow.begin(), floatToBf16);
      BURIN_TRY(writer.write(std::as_bytes(std::span(narrow))));
      BURIN_TRY(advance_(0));
    }
    return okStatus();
  }

  const Shard& shard_;
  const EncodeJob& job_;
  ExampleEncoder& encoder_;
  const std::function<Status(int64_t)>& advance_;
  std::vector<Fault> faults_;
};

} // namespace

Status encodeShard(const Shard& shard, const EncodeJob& job,
                   const text::ClipTokenizer& tokenizer,
                   ExampleEncoder& encoder,
                   const std::function<Status(int64_t)>& advance) {
  return ShardEncoder(shard, job, encoder, advance).run(tokenizer);
}

} // namespace burin::train
