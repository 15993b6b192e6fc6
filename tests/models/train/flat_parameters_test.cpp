// SPDX-License-Identifier: Apache-2.0
// A checkpoint's tensors go into the flat buffer and come back bit for bit.
#include <algorithm>
#include <array>
#include <bit>

#include <gtest/gtest.h>

#include "models/pipeline/session.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/train/small_unet.h"

namespace burin {
namespace {

class FlatParameters : public testing::TestWithParam<DType> {
protected:
  void SetUp() override {
    std::string path = folder_ / "small.burin";
    ASSERT_TRUE(writeSmallUNet(path, GetParam()).ok());
    auto checkpoint = Checkpoint::open(path);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
    std::array<FunctionRequest, 2> functions;
    functions[0].name = "train_initialize";
    functions[1].name = "train_export";
    SessionOptions options;
    options.threads = 2;
    options.compile.cacheFolder.clear();
    auto session = Session::open(*std::move(checkpoint), functions, options);
    ASSERT_TRUE(session.ok()) << session.status().message();
    session_ = *std::move(session);
  }

  const FunctionInfo& find(std::string_view name) {
    return **session_->program().find(name);
  }

  // What train_initialize makes.
  std::vector<float> initialize() {
    const FunctionInfo& function = find("train_initialize");
    const TensorSpec& spec = function.outputs.front();
    std::vector<float> flat(static_cast<size_t>(spec.shape.front()), -1);
    OutputView output = {spec.name, spec.dtype, spec.shape,
                         std::as_writable_bytes(std::span(flat))};
    Status status =
        session_->program().run(function, {}, std::span(&output, 1));
    EXPECT_TRUE(status.ok()) << status.message();
    return flat;
  }

  TemporaryFolder folder_;
  std::unique_ptr<Session> session_;
};

TEST_P(FlatParameters, ComeBackBitForBit) {
  std::vector<float> flat = initialize();
  const FunctionInfo& function = find("train_export");
  const TensorSpec& spec = function.inputs.front();
  TensorView input = {spec.name, spec.dtype, spec.shape,
                      std::as_bytes(std::span(flat))};
  std::vector<std::vector<std::byte>> storage;
  std::vector<OutputView> outputs;
  for (const TensorSpec& tensor : function.outputs) {
    storage.emplace_back(
        static_cast<size_t>(*byteCount(tensor.dtype, tensor.shape)));
    outputs.push_back(
        {tensor.name, tensor.dtype, tensor.shape, storage.back()});
  }
  ASSERT_TRUE(
      session_->program().run(function, std::span(&input, 1), outputs).ok());
  EXPECT_EQ(outputs.size(), session_->checkpoint().tensors().size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TensorView* original = session_->checkpoint().find(outputs[i].name);
    ASSERT_NE(original, nullptr) << outputs[i].name;
    EXPECT_EQ(original->dtype, outputs[i].dtype);
    EXPECT_TRUE(std::ranges::equal(original->shape, outputs[i].shape));
    EXPECT_TRUE(std::ranges::equal(original->data, storage[i]))
        << outputs[i].name;
  }
}

TEST_P(FlatParameters, LieWhereTheLayoutSays) {
  std::vector<float> flat = initialize();
  EXPECT_EQ(flat.size() % 1024, 0u);
  size_t next = 0;
  bool weights = true;
  std::string last;
  for (const TensorSpec& tensor : find("train_export").outputs) {
    if (weights && tensor.shape.size() <= 1) {
      weights = false;
      last.clear();
      for (; next % 1024 != 0; ++next)
        ASSERT_EQ(flat[next], 0);
    }
    EXPECT_EQ(weights, tensor.shape.size() > 1) << tensor.name;
    EXPECT_LT(last, tensor.name);
    last = tensor.name;
    for (; next % 64 != 0; ++next)
      ASSERT_EQ(flat[next], 0) << "before " << tensor.name;
    const TensorView* view = session_->checkpoint().find(tensor.name);
    ASSERT_NE(view, nullptr);
    size_t width = byteSize(view->dtype);
    for (size_t i = 0; i < view->data.size() / width; ++i, ++next) {
      std::array<std::byte, 4> bits = {};
      std::ranges::copy(view->data.subspan(i * width, width),
                        bits.end() - static_cast<ptrdiff_t>(width));
      ASSERT_EQ(flat[next], std::bit_cast<float>(bits)) << tensor.name;
    }
  }
  for (; next < flat.size(); ++next)
    ASSERT_EQ(flat[next], 0);
  EXPECT_FALSE(weights);
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, FlatParameters,
                         testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& info) {
                           return std::string(name(info.param));
                         });

} // namespace
} // namespace burin
