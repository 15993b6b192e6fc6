// SPDX-License-Identifier: Apache-2.0
// Adapters as diffusers, PEFT and kohya's tools write them, against the
// weights that PEFT merges from them.
#include "models/adapters/adapted_weights.h"

#include <cmath>

#include "tests/formats/temporary_folder.h"
#include "tests/models/golden_file.h"
#include "tests/models/pipeline/tiny_model.h"

namespace burin::adapters {
namespace {

class LoraGoldenTest : public testing::TestWithParam<const char*> {};

TEST_P(LoraGoldenTest, merges_as_peft_does) {
  TemporaryFolder folder;
  ASSERT_TRUE(pipeline::writeTinyModel(folder / "tiny.burin").ok());
  auto model = Checkpoint::open(folder / "tiny.burin");
  ASSERT_TRUE(model.ok()) << model.status().message();
  const AdapterUse use = {std::string(kGoldenFolder) + GetParam(), 1};
  auto weights = AdaptedWeights::open(*model, {&use, 1});
  ASSERT_TRUE(weights.ok()) << weights.status().message();
  auto merged = SafetensorsFile::open(std::string(kGoldenFolder) +
                                      "lora_merged.safetensors");
  ASSERT_TRUE(merged.ok()) << merged.status().message();
  ASSERT_EQ(merged->tensors().size(), 37u);
  for (const TensorView& wanted : merged->tensors()) {
    auto view = weights->tensor(wanted.name);
    ASSERT_TRUE(view.ok()) << view.status().message();
    ASSERT_EQ(view->data.size(), wanted.data.size()) << wanted.name;
    for (size_t at = 0; at < wanted.data.size(); at += sizeof(float)) {
      float a, b;
      std::memcpy(&a, view->data.data() + at, sizeof a);
      std::memcpy(&b, wanted.data.data() + at, sizeof b);
      ASSERT_NEAR(a, b, 1e-6) << wanted.name << ", byte " << at;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, LoraGoldenTest,
                         testing::Values("lora_diffusers.safetensors",
                                         "lora_kohya.safetensors",
                                         "lora_peft"));

} // namespace
} // namespace burin::adapters
