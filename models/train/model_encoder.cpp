// SPDX-License-Identifier: Apache-2.0
// Runs the model's own functions on full batches; what is missing to one is
// padded.
#include "models/train/model_encoder.h"

#include <algorithm>
#include <array>
#include <vector>

#include "models/pipeline/picture.h"

namespace burin::train {
namespace {

constexpr size_t kTexts = 32;

// As many pictures as keep the first layers' activations near a gigabyte.
size_t picturesAtOnce(int size) {
  constexpr int kPixels = 1 << 20, kMost = 32;
  return static_cast<size_t>(std::clamp(kPixels / (size * size), 1, kMost));
}

class ModelEncoder : public ExampleEncoder {
public:
  ModelEncoder(std::unique_ptr<Session> session, const EncodedShape& shape,
               int size)
      : session_(std::move(session)), shape_(shape), size_(size),
        images_(picturesAtOnce(size) * 3 * size * size),
        moments_(picturesAtOnce(size) * 2 * shape.latents()),
        ids_(kTexts * static_cast<size_t>(shape.tokens)),
        states_(kTexts * shape.states()) {}

  size_t pictureLimit() const override { return picturesAtOnce(size_); }
  size_t textLimit() const override { return kTexts; }

  Status encodePictures(std::span<const Image> images,
                        std::span<float> means) override {
    std::ranges::fill(images_, 0.0f);
    std::span<float> rest = images_;
    for (const Image& image : images) {
      pipeline::toNetwork(image, rest.first(image.pixels.size()));
      rest = rest.subspan(image.pixels.size());
    }
    auto n = static_cast<int64_t>(pictureLimit());
    const std::array<int64_t, 4> in = {n, size_, size_, 3};
    const std::array<int64_t, 4> out = {n, shape_.height, shape_.width,
                                        2 * shape_.channels};
    const std::array inputs = {TensorView{"image", DType::kF32, in,
                                          std::as_bytes(std::span(images_))}};
    const std::array outputs = {
        OutputView{"moments", DType::kF32, out,
                   std::as_writable_bytes(std::span(moments_))}};
    BURIN_TRY(run("vae_encoder", inputs, outputs));
    // Means and log variances lie side by side in each place.
    auto channels = static_cast<size_t>(shape_.channels);
    for (size_t i = 0; i < means.size(); ++i)
      means[i] = moments_[i / channels * 2 * channels + i % channels];
    return okStatus();
  }

  Status encodeTexts(std::span<const int64_t> ids,
                     std::span<float> states) override {
    std::ranges::fill(ids_, 0);
    std::ranges::copy(ids, ids_.begin());
    auto n = static_cast<int64_t>(kTexts);
    std::vector<float> pooled(kTexts * static_cast<size_t>(shape_.textWidth));
    const std::array<int64_t, 2> in = {n, shape_.tokens};
    const std::array<int64_t, 3> out = {n, shape_.tokens, shape_.textWidth};
    const std::array<int64_t, 2> pooledShape = {n, shape_.textWidth};
    const std::array inputs = {TensorView{"input_ids", DType::kI64, in,
                                          std::as_bytes(std::span(ids_))}};
    const std::array outputs = {
        OutputView{"last_hidden_state", DType::kF32, out,
                   std::as_writable_bytes(std::span(states_))},
        OutputView{"pooled_output", DType::kF32, pooledShape,
                   std::as_writable_bytes(std::span(pooled))}};
    BURIN_TRY(run("text_encoder", inputs, outputs));
    std::ranges::copy(std::span(states_).first(states.size()), states.begin());
    return okStatus();
  }

private:
  Status run(std::string_view name, std::span<const TensorView> inputs,
             std::span<const OutputView> outputs) {
    BURIN_ASSIGN(const FunctionInfo* function, session_->program().find(name));
    return session_->program()
        .run(*function, inputs, outputs)
        .within(std::string(name));
  }

  std::unique_ptr<Session> session_;
  EncodedShape shape_;
  int size_;
  std::vector<float> images_, moments_;
  std::vector<int64_t> ids_;
  std::vector<float> states_;
};

} // namespace

std::vector<FunctionRequest> encoderFunctions(const EncodedShape& shape,
                                              int size) {
  FunctionRequest pictures, texts;
  pictures.name = "vae_encoder";
  pictures.batch = static_cast<int64_t>(picturesAtOnce(size));
  pictures.height = pictures.width = size;
  texts.name = "text_encoder";
  texts.batch = static_cast<int64_t>(kTexts);
  texts.tokens = shape.tokens;
  return {pictures, texts};
}

Result<std::unique_ptr<ExampleEncoder>>
openModelEncoder(Checkpoint model, const EncodedShape& shape, int size,
                 SessionOptions options, std::shared_ptr<Device> device) {
  options.layout = Layout::kNhwc;
  BURIN_ASSIGN(std::unique_ptr<Session> session,
               Session::open(std::move(model), encoderFunctions(shape, size),
                             options, std::move(device)));
  return std::unique_ptr<ExampleEncoder>(
      new ModelEncoder(std::move(session), shape, size));
}

} // namespace burin::train
