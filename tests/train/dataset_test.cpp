// SPDX-License-Identifier: Apache-2.0
// Encoding once, again only where it must be, and around what is broken.
#include <cstring>

#include "models/pipeline/model_info.h"
#include "tests/train/world.h"

namespace burin::train {
namespace {

class DatasetTest : public testing::Test {
protected:
  void SetUp() override {
    Result<Checkpoint> model = Checkpoint::open(world.model());
    ASSERT_TRUE(model.ok());
    Result<text::ClipTokenizer> read = pipeline::readTokenizer(*model);
    ASSERT_TRUE(read.ok());
    tokenizer = std::make_unique<text::ClipTokenizer>(*std::move(read));
  }

  Result<Dataset> open() {
    faults.clear();
    counts = {};
    DatasetEvents events;
    events.onFault = [&](const std::string& text) { faults.push_back(text); };
    events.onProgress = [&](int64_t done, int64_t total) {
      progress = {done, total};
      return progressStatus;
    };
    return Dataset::open(options, *tokenizer, fakeEncoder(&counts), events);
  }
  // A message that has all of these parts.
  static void expectParts(const std::string& text,
                          const std::vector<std::string>& parts) {
    for (const std::string& part : parts)
      EXPECT_NE(text.find(part), std::string::npos)
          << "no '" << part << "' in: " << text;
  }
  std::string shard(const std::string& name) const {
    return world.config.data + "/" + name;
  }

  World world;
  DatasetOptions options = {world.config.data, world.config.cache, "model",
                            kTinyShape, 8};
  std::unique_ptr<text::ClipTokenizer> tokenizer;
  std::vector<std::string> faults;
  EncoderCounts counts;
  std::pair<int64_t, int64_t> progress;
  Status progressStatus;
};

TEST_F(DatasetTest, encodes_pictures_and_each_text_once) {
  Result<Dataset> data = open();
  ASSERT_TRUE(data.ok()) << data.status().message();
  EXPECT_EQ(data->count(), 12u);
  EXPECT_EQ(data->leftOut(), 0u);
  EXPECT_EQ(counts.opened, 1);
  EXPECT_EQ(counts.pictures, 24u);
  EXPECT_EQ(counts.texts, 2u * (4 + 1)); // four a shard, and the empty one
  EXPECT_EQ(progress, (std::pair<int64_t, int64_t>(12, 12)));

  Result<Shard> source = Shard::open(shard("b.safetensors"));
  ASSERT_TRUE(source.ok());
  Dataset::Example example = data->at(7); // the second of b
  ASSERT_EQ(example.target.size(), kTinyShape.latents());
  for (size_t j = 0; j < example.target.size(); ++j) {
    EXPECT_EQ(f16ToFloat(example.target[j]),
              source->target(1)[j * 11 % 192] / 64.0f - 2);
    EXPECT_EQ(f16ToFloat(example.source[j]),
              source->source(1)[j * 11 % 192] / 64.0f - 2);
  }
  std::vector<int64_t> ids = tokenizer->encode(source->text(1)).ids;
  std::vector<int64_t> empty = tokenizer->encode("").ids;
  ASSERT_EQ(example.states.size(), kTinyShape.states());
  for (size_t j = 0; j < example.states.size(); ++j) {
    EXPECT_EQ(bf16ToFloat(example.states[j]),
              static_cast<float>(ids[j / 3] % 64) / 32 - 1);
    EXPECT_EQ(bf16ToFloat(data->emptyText()[j]),
              static_cast<float>(empty[j / 3] % 64) / 32 - 1);
  }
}

TEST_F(DatasetTest, encodes_again_only_what_changed) {
  ASSERT_TRUE(open().ok());
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(counts.opened, 0); // not even a session
  writeTinyShard(shard("b.safetensors"), 5, 9);
  Result<Dataset> data = open();
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->count(), 11u);
  EXPECT_EQ(counts.pictures, 10u);
  options.encoderFingerprint = "another model";
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(counts.pictures, 22u);
  // A torn file in the cache is made anew.
  std::string cached = world.config.cache + "/a.safetensors";
  writeText(cached, readText(cached).substr(0, 900));
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(counts.pictures, 12u);
  ASSERT_TRUE(faults.empty());
}

TEST_F(DatasetTest, leaves_out_broken_examples_and_shards_by_name) {
  ShardData bright(3, 8);
  bright.texts = {"make it red", "  ", "make it blue"};
  bright.target(2)[0] = 255; // no finite latents
  ASSERT_TRUE(
      writeShard(shard("c.safetensors"), bright, {{"kinds", "look"}}).ok());
  writeText(shard("d.safetensors"),
            readText(shard("a.safetensors")).substr(0, 500));
  writeTinyShard(shard("e.safetensors"), 0, 0);
  for (int round : {0, 1}) { // the cache knows them too
    Result<Dataset> data = open();
    ASSERT_TRUE(data.ok()) << data.status().message();
    EXPECT_EQ(data->count(), 13u);
    EXPECT_EQ(data->leftOut(), 2u);
    EXPECT_EQ(counts.opened, round == 0 ? 1 : 0);
    ASSERT_EQ(faults.size(), 4u);
    expectParts(faults[0], {"example 1 ", "c.safetensors", "instruction"});
    expectParts(faults[1], {"example 2 ", "c.safetensors", "finite"});
    expectParts(faults[2], {"d.safetensors", "truncated", "left out"});
    expectParts(faults[3], {"e.safetensors", "no examples", "left out"});
  }
}

TEST_F(DatasetTest, fails_where_nothing_is_left) {
  writeTinyShard(shard("a.safetensors"), 2, 1, {"", " "});
  std::filesystem::remove(shard("b.safetensors"));
  Result<Dataset> data = open();
  ASSERT_FALSE(data.ok());
  expectParts(data.status().message(), {world.config.data, "no example"});
  std::filesystem::remove(shard("a.safetensors"));
  expectParts(open().status().message(), {world.config.data, "burin data"});
  options.folder = world.folder / "none";
  expectParts(open().status().message(), {"none", "burin data"});
}

TEST_F(DatasetTest, keeps_shards_and_what_is_encoded_apart) {
  std::string before = readText(shard("a.safetensors"));
  options.cache = world.config.data + "/../data";
  Result<Dataset> data = open();
  ASSERT_FALSE(data.ok());
  expectParts(data.status().message(), {"cache", world.config.data});
  EXPECT_EQ(readText(shard("a.safetensors")), before);
}

TEST_F(DatasetTest, can_be_stopped_and_goes_on) {
  progressStatus = Status(Code::kCancelled, "enough");
  EXPECT_EQ(open().status().code(), Code::kCancelled);
  progressStatus = okStatus();
  EXPECT_TRUE(open().ok());
}

TEST_F(DatasetTest, checks_what_the_cache_holds) {
  ASSERT_TRUE(open().ok());
  std::string path = world.config.cache + "/a.safetensors";
  ASSERT_TRUE(EncodedShard::open(path, kTinyShape).ok());
  EncodedShape wider = kTinyShape;
  wider.textWidth = 4;
  Result<EncodedShard> other = EncodedShard::open(path, wider);
  ASSERT_FALSE(other.ok());
  expectParts(other.status().message(), {path, "states", "[5,77,4]"});
  // The first tensor's data: a text that is not there.
  std::string bytes = readText(path);
  uint64_t header;
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes[8 + header] = 17;
  writeText(path, bytes);
  expectParts(EncodedShard::open(path, kTinyShape).status().message(),
              {path, "example 0", "text 17 of 5"});
}

} // namespace
} // namespace burin::train
