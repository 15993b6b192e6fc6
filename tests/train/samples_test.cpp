// SPDX-License-Identifier: Apache-2.0
// Which examples are drawn, and where they lie on the sheet.
#include "models/train/samples.h"

#include <array>

#include "formats/dataset/shard.h"
#include "tests/formats/temporary_folder.h"
#include "tests/models/pipeline/tiny_model.h"

namespace burin::train {
namespace {

constexpr int kSide = 32;

bool isAt(const Image& sheet, std::span<const uint8_t> picture, int x, int y) {
  for (int row = 0; row < kSide; ++row)
    if (!std::equal(sheet.at(x, y + row), sheet.at(x, y + row) + 3 * kSide,
                    picture.begin() + 3 * kSide * row))
      return false;
  return true;
}

// The column of a picture's left edge, or -1.
int columnOf(const Image& sheet, std::span<const uint8_t> picture) {
  for (int y = 0; y + kSide <= sheet.height; ++y)
    for (int x = 0; x + kSide <= sheet.width; ++x)
      if (isAt(sheet, picture, x, y))
        return x;
  return -1;
}

class Samples : public testing::Test {
protected:
  void SetUp() override {
    ShardData data(4, kSide);
    for (size_t i = 0; i < data.sources.size(); ++i) {
      data.sources[i] = static_cast<uint8_t>(i * 7 + i / 1000);
      data.targets[i] = static_cast<uint8_t>(i * 5 + i / 100);
    }
    data.texts = {"make it red", " ", "add a cat", "make it blue"};
    Status status = writeShard(good, data, {{"kinds", "look"}});
    ASSERT_TRUE(status.ok()) << status.message();
    writeText(torn, readText(good).substr(0, 700));
  }

  TemporaryFolder folder;
  std::string torn = folder / "a.safetensors", good = folder / "b.safetensors";
};

TEST_F(Samples, shows_source_result_and_truth_of_the_first_with_a_text) {
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  std::string model = folder / "tiny.burin";
  ASSERT_TRUE(pipeline::writeTinyModel(model).ok());
  const std::array paths = {torn, good};
  Result<SampleSet> samples = SampleSet::read(paths, 2);
  ASSERT_TRUE(samples.ok()) << samples.status().message();
  SessionOptions options;
  options.threads = 1;
  Result<Image> sheet = samples->draw(model, kSide, options);
  ASSERT_TRUE(sheet.ok()) << sheet.status().message();
  Result<Shard> shard = Shard::open(good);
  ASSERT_TRUE(shard.ok());
  int left = columnOf(*sheet, shard->source(0));
  int right = columnOf(*sheet, shard->target(0));
  EXPECT_GE(left, 0);
  EXPECT_GE(right, left + 2 * kSide); // the result is between them
  EXPECT_EQ(columnOf(*sheet, shard->source(2)), left);
  EXPECT_EQ(columnOf(*sheet, shard->target(2)), right);
  EXPECT_EQ(columnOf(*sheet, shard->source(1)), -1);
  EXPECT_EQ(columnOf(*sheet, shard->source(3)), -1);
  Result<Image> again = samples->draw(model, kSide, options);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->pixels, sheet->pixels);
}

TEST_F(Samples, says_why_there_are_none) {
  Result<SampleSet> none = SampleSet::read(std::array{torn}, 2);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find(torn), std::string::npos);
  ShardData blank(1, kSide);
  ASSERT_TRUE(writeShard(good, blank, {{"kinds", "look"}}).ok());
  none = SampleSet::read(std::array{good}, 2);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find("samples.data"), std::string::npos);
}

} // namespace
} // namespace burin::train
