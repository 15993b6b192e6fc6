// SPDX-License-Identifier: Apache-2.0
// Shards: what is written is read back, and a bad shard is refused by name.
#include "formats/dataset/shard.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include <gtest/gtest.h>

namespace burin {
namespace {

std::string temporary(const std::string& name) {
  return (std::filesystem::path(testing::TempDir()) / name).string();
}

ShardData sampleData() {
  ShardData data(3, 8);
  for (size_t i = 0; i < data.sources.size(); ++i) {
    data.sources[i] = static_cast<uint8_t>(i * 7);
    data.targets[i] = static_cast<uint8_t>(i * 13 + 1);
  }
  data.kinds = {0, 1, 0};
  data.texts = {"remove the cat", "", "add a dog"};
  return data;
}

TEST(Shard, ReadsBackWhatWasWritten) {
  std::string path = temporary("shard.safetensors");
  ShardData data = sampleData();
  ASSERT_TRUE(writeShard(path, data, {{"kinds", "remove,add"}}).ok());
  auto shard = Shard::open(path);
  ASSERT_TRUE(shard.ok()) << shard.status().message();
  ASSERT_EQ(shard->count(), 3);
  EXPECT_EQ(shard->side(), 8);
  EXPECT_EQ(shard->kindNames(), (std::vector<std::string>{"remove", "add"}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::ranges::equal(shard->source(i), data.source(i)));
    EXPECT_TRUE(std::ranges::equal(shard->target(i), data.target(i)));
    EXPECT_EQ(shard->text(i), data.texts[i]);
    EXPECT_EQ(shard->kind(i), data.kinds[i]);
  }
}

// A shard with one thing wrong, and a word its message must hold.
struct Malformed {
  const char* name;
  std::function<void(std::vector<TensorView>&, StringMap&)> spoil;
  const char* word;
};

void PrintTo(const Malformed& m, std::ostream* out) {
  *out << m.name;
}

class MalformedShard : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedShard, IsRefusedWithItsName) {
  std::vector<uint8_t> pictures(2 * 8 * 8 * 3), kinds = {0, 1};
  std::vector<int64_t> ends = {2, 4};
  std::string text = "abcd";
  const Shape shape = {2, 8, 8, 3}, list = {2}, characters = {4};
  std::vector<TensorView> tensors = {
      {"text_end", DType::kI64, list, std::as_bytes(std::span(ends))},
      {"source", DType::kU8, shape, std::as_bytes(std::span(pictures))},
      {"target", DType::kU8, shape, std::as_bytes(std::span(pictures))},
      {"kind", DType::kU8, list, std::as_bytes(std::span(kinds))},
      {"text", DType::kU8, characters, std::as_bytes(std::span(text))}};
  StringMap metadata = {{"kinds", "a,b"}};
  GetParam().spoil(tensors, metadata);
  std::string path = temporary(std::string("bad_") + GetParam().name);
  ASSERT_TRUE(writeSafetensors(path, tensors, metadata).ok());
  auto shard = Shard::open(path);
  ASSERT_FALSE(shard.ok());
  EXPECT_NE(shard.status().message().find(GetParam().word), std::string::npos)
      << shard.status().message();
  EXPECT_NE(shard.status().message().find(path), std::string::npos);
}

const int64_t kFlat[] = {2, 8, 24, 1}, kThree[] = {3}, kTwoBytes[] = {16};
const int64_t kEndsBackwards[] = {4, 2}, kEndsBeyond[] = {2, 5};
const uint8_t kUnnamedKinds[] = {0, 2};
const uint8_t kThreeKinds[] = {0, 1, 1};

INSTANTIATE_TEST_SUITE_P(
    Cases, MalformedShard,
    testing::Values(
        Malformed{"no_target", [](auto& t, auto&) { t.erase(t.begin() + 2); },
                  "target"},
        Malformed{"flat_source", [](auto& t, auto&) { t[1].shape = kFlat; },
                  "source"},
        Malformed{"flat_target", [](auto& t, auto&) { t[2].shape = kFlat; },
                  "target"},
        Malformed{"narrow_ends",
                  [](auto& t, auto&) {
                    t[0].dtype = DType::kU8;
                    t[0].shape = kTwoBytes;
                  },
                  "text_end"},
        Malformed{"more_kinds",
                  [](auto& t, auto&) {
                    t[3].shape = kThree;
                    t[3].data = std::as_bytes(std::span(kThreeKinds));
                  },
                  "source"},
        Malformed{"backward_text",
                  [](auto& t, auto&) {
                    t[0].data = std::as_bytes(std::span(kEndsBackwards));
                  },
                  "sentence 1"},
        Malformed{"text_beyond",
                  [](auto& t, auto&) {
                    t[0].data = std::as_bytes(std::span(kEndsBeyond));
                  },
                  "sentence 1"},
        Malformed{"unnamed_kind",
                  [](auto& t, auto&) {
                    t[3].data = std::as_bytes(std::span(kUnnamedKinds));
                  },
                  "example 1"},
        Malformed{"no_names", [](auto&, auto& m) { m.clear(); }, "kinds"}),
    [](const auto& info) { return std::string(info.param.name); });

} // namespace
} // namespace burin
