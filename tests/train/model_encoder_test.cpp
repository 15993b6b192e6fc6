// SPDX-License-Identifier: Apache-2.0
// Examples are encoded as editing encodes pictures and texts.
#include "models/train/model_encoder.h"

#include <array>

#include "models/pipeline/model_info.h"
#include "models/pipeline/picture.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/pipeline/tiny_model.h"

namespace burin::train {
namespace {

constexpr int kSide = 32;

Image pictureOf(int number) {
  Image image(kSide, kSide);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<uint8_t>(i * 7 + number * 31 + i / 96);
  return image;
}

// What the functions of an edit compute.
class EditFunctions {
public:
  explicit EditFunctions(const std::string& model) {
    FunctionRequest text, picture;
    text.name = "edit_text";
    text.tokens = 77;
    picture.name = "edit_picture";
    picture.height = picture.width = kSide;
    text.branches = picture.branches = {"text+picture"};
    SessionOptions options;
    options.layout = Layout::kNhwc;
    auto checkpoint = Checkpoint::open(model);
    const std::array functions = {text, picture};
    auto session = Session::open(*std::move(checkpoint), functions, options);
    EXPECT_TRUE(session.ok()) << session.status().message();
    session_ = *std::move(session);
  }

  template <typename T>
  std::vector<float> run(const char* name, const std::vector<T>& input) {
    Result<const FunctionInfo*> function = session_->program().find(name);
    EXPECT_TRUE(function.ok());
    const TensorSpec &in = (*function)->inputs[0],
                     &out = (*function)->outputs[0];
    std::vector<float> values(static_cast<size_t>(*elementCount(out.shape)));
    const std::array inputs = {TensorView{in.name, in.dtype, in.shape,
                                          std::as_bytes(std::span(input))}};
    const std::array outputs = {
        OutputView{out.name, out.dtype, out.shape,
                   std::as_writable_bytes(std::span(values))}};
    Status status = session_->program().run(**function, inputs, outputs);
    EXPECT_TRUE(status.ok()) << status.message();
    return values;
  }

private:
  std::unique_ptr<Session> session_;
};

void expectClose(std::span<const float> a, std::span<const float> b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], 1e-5 * (1 + std::abs(b[i]))) << i;
}

TEST(ModelEncoder, encodes_as_editing_does) {
  TemporaryFolder folder;
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  std::string model = folder / "tiny.burin";
  ASSERT_TRUE(pipeline::writeTinyModel(model).ok());
  Result<Checkpoint> checkpoint = Checkpoint::open(model);
  ASSERT_TRUE(checkpoint.ok());
  auto info = pipeline::readModelInfo(*checkpoint);
  auto tokenizer = pipeline::readTokenizer(*checkpoint);
  ASSERT_TRUE(info.ok() && tokenizer.ok());
  int64_t side = kSide / info->vaeStride, channels = info->latentChannels;
  EncodedShape shape = {side, side, channels, 77, info->textWidth};
  auto encoder =
      openModelEncoder(*std::move(checkpoint), shape, kSide, {}, nullptr);
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  EditFunctions editing(model);

  // More than one, fewer than a full batch.
  ASSERT_GT((*encoder)->pictureLimit(), 3u);
  std::vector<Image> images = {pictureOf(0), pictureOf(1), pictureOf(2)};
  std::vector<float> means(3 * shape.latents());
  ASSERT_TRUE((*encoder)->encodePictures(images, means).ok());
  for (size_t n = 0; n < images.size(); ++n) {
    std::vector<float> pixels(images[n].pixels.size());
    pipeline::toNetwork(images[n], pixels);
    // Zeros for the sample, then the mean.
    std::vector<float> pair = editing.run("edit_picture", pixels), mean;
    auto c = static_cast<size_t>(channels);
    for (size_t i = 0; i < shape.latents(); ++i)
      mean.push_back(pair[i / c * 2 * c + c + i % c]);
    expectClose(std::span(means).subspan(n * shape.latents(), shape.latents()),
                mean);
  }

  std::vector<int64_t> ids;
  for (const char* text : {"make it red", "", "add a cat"}) {
    std::vector<int64_t> one = tokenizer->encode(text).ids;
    ids.insert(ids.end(), one.begin(), one.end());
  }
  std::vector<float> states(3 * shape.states());
  ASSERT_TRUE((*encoder)->encodeTexts(ids, states).ok());
  for (size_t n = 0; n < 3; ++n)
    expectClose(
        std::span(states).subspan(n * shape.states(), shape.states()),
        editing.run("edit_text", std::vector(ids.begin() + n * 77,
                                             ids.begin() + (n + 1) * 77)));
}

} // namespace
} // namespace burin::train
