// SPDX-License-Identifier: Apache-2.0
// What is written in each layout reads back as it was.
#include "models/adapters/lora_writer.h"

#include <algorithm>

#include "formats/checkpoint/checkpoint.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/golden_file.h"
#include "tests/models/pipeline/tiny_model.h"

namespace burin::adapters {
namespace {

class LoraWriterTest : public testing::TestWithParam<Layout> {
protected:
  void SetUp() override {
    ASSERT_TRUE(pipeline::writeTinyModel(folder_ / "tiny.burin").ok());
    auto model = Checkpoint::open(folder_ / "tiny.burin");
    ASSERT_TRUE(model.ok()) << model.status().message();
    model_.emplace(*std::move(model));
    auto adapter = Adapter::open(std::string(kGoldenFolder) + "lora_peft",
                                 model_->tensors());
    ASSERT_TRUE(adapter.ok()) << adapter.status().message();
    adapter_.emplace(*std::move(adapter));
    terms_.assign(adapter_->terms().begin(), adapter_->terms().end());
  }

  void expectReadsBack() {
    const std::string path = folder_ / "written";
    Status written = writeAdapter(path, GetParam(), terms_);
    ASSERT_TRUE(written.ok()) << written.message();
    auto read = Adapter::open(path, model_->tensors());
    ASSERT_TRUE(read.ok()) << read.status().message();
    ASSERT_EQ(read->terms().size(), terms_.size());
    for (size_t i = 0; i < terms_.size(); ++i) {
      const LowRank &a = read->terms()[i], &b = terms_[i];
      SCOPED_TRACE(b.target);
      EXPECT_EQ(a.target, b.target);
      EXPECT_EQ(a.rank, b.rank);
      EXPECT_EQ(a.scale, b.scale);
      expectSame(a.down, b.down);
      expectSame(a.up, b.up);
    }
  }

  static void expectSame(const TensorView& a, const TensorView& b) {
    EXPECT_EQ(a.dtype, b.dtype);
    EXPECT_TRUE(std::ranges::equal(a.shape, b.shape));
    EXPECT_TRUE(std::ranges::equal(a.data, b.data));
  }

  std::string refusal() {
    Status written = writeAdapter(folder_ / "refused", GetParam(), terms_);
    return written.ok() ? "it was written" : written.message();
  }

  TemporaryFolder folder_;
  std::optional<Checkpoint> model_;
  std::optional<Adapter> adapter_;
  std::vector<LowRank> terms_;
};

TEST_P(LoraWriterTest, reads_back_bit_for_bit) {
  expectReadsBack();
}

TEST_P(LoraWriterTest, keeps_scales_that_differ_or_refuses_them) {
  terms_.back().scale = 0.25;
  if (GetParam() == Layout::kKohya)
    return expectReadsBack();
  EXPECT_NE(refusal().find("the kohya layout can hold both"), std::string::npos)
      << refusal();
}

TEST_P(LoraWriterTest, refuses_what_it_cannot_name) {
  const LowRank first = terms_.front();
  terms_.push_back(first);
  EXPECT_NE(refusal().find("has two terms"), std::string::npos) << refusal();
  terms_.back().target = "text_encoder.layers.0.weight";
  EXPECT_NE(refusal().find("'text_encoder.layers.0.weight' is no weight of"),
            std::string::npos)
      << refusal();
  terms_.clear();
  EXPECT_NE(refusal().find("without terms"), std::string::npos) << refusal();
}

INSTANTIATE_TEST_SUITE_P(Layouts, LoraWriterTest,
                         testing::Values(Layout::kDiffusers, Layout::kPeft,
                                         Layout::kKohya));

} // namespace
} // namespace burin::adapters
