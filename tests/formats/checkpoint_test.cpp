// SPDX-License-Identifier: Apache-2.0
// Round trips with and without shards, and one row for each damaged index.
#include "formats/checkpoint/checkpoint.h"

#include "formats/checkpoint/checkpoint_generated.h"
#include "formats/checkpoint/layout.h"
#include "formats/checkpoint/writer.h"
#include "tests/formats/temporary_folder.h"

#include <cstring>
#include <functional>
#include <numeric>

namespace burin {
namespace {

constexpr CheckpointOptions kFast = {.sync = AtomicFile::Sync::kNo};

// Bytes that tell tensors apart.
std::vector<std::byte> pattern(const TensorSpec& spec) {
  std::vector<std::byte> bytes(*byteCount(spec.dtype, spec.shape));
  size_t seed = std::hash<std::string>{}(spec.name);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>((i * 31 + seed) >> (i % 3));
  return bytes;
}

std::vector<TensorSpec> someSpecs() {
  return {{"unet.conv_in.weight", DType::kF32, {32, 8, 3, 3}},
          {"a.none", DType::kF16, {0, 3}},
          {"vae.large", DType::kBF16, {1024, 600}}, // over 1 MiB
          {"text.ids", DType::kI64, {}},
          {"unet.bias", DType::kF32, {5}}};
}

Status writeAll(const std::string& path, const std::vector<TensorSpec>& specs,
                CheckpointWriter::Metadata metadata,
                const CheckpointOptions& options = kFast) {
  BURIN_ASSIGN(
      CheckpointWriter writer,
      CheckpointWriter::create(path, specs, std::move(metadata), options));
  for (const TensorSpec& spec : specs) {
    std::vector<std::byte> bytes = pattern(spec);
    size_t half = bytes.size() / 2;
    BURIN_TRY(writer.write(std::span(bytes).first(half)));
    BURIN_TRY(writer.write(std::span(bytes).subspan(half)));
  }
  return writer.commit();
}

void expectAll(const Checkpoint& checkpoint,
               const std::vector<TensorSpec>& specs) {
  EXPECT_EQ(checkpoint.tensors().size(), specs.size());
  for (const TensorSpec& spec : specs) {
    const TensorView* found = checkpoint.find(spec.name);
    ASSERT_NE(found, nullptr) << spec.name;
    EXPECT_EQ(found->dtype, spec.dtype);
    EXPECT_TRUE(std::ranges::equal(found->shape, spec.shape)) << spec.name;
    EXPECT_TRUE(std::ranges::equal(found->data, pattern(spec))) << spec.name;
  }
}

TEST(Checkpoint, reads_back_what_was_written) {
  TemporaryFolder folder;
  std::vector<TensorSpec> specs = someSpecs();
  Status written = writeAll(folder / "m.burin", specs,
                            {{"unet.config", "{}"}, {"architecture", "x"}});
  ASSERT_TRUE(written.ok()) << written.message();
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.burin"});

  Result<Checkpoint> opened = Checkpoint::open(folder / "m.burin");
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  Checkpoint checkpoint = *std::move(opened);
  expectAll(checkpoint, specs);
  EXPECT_EQ(checkpoint.metadata("architecture"), "x");
  EXPECT_EQ(checkpoint.metadata("arch"), std::nullopt);
  EXPECT_EQ(checkpoint.find("unet"), nullptr);
  EXPECT_EQ(checkpoint.tensor("unet").status().code(), Code::kNotFound);
  EXPECT_TRUE(
      std::ranges::is_sorted(checkpoint.tensors(), {}, &TensorView::name));
  uintptr_t large =
      reinterpret_cast<uintptr_t>(checkpoint.find("vae.large")->data.data());
  EXPECT_EQ(large % 4096, 0u);
}

TEST(Checkpoint, released_pages_come_back) {
  TemporaryFolder folder;
  std::vector<TensorSpec> specs = someSpecs();
  ASSERT_TRUE(writeAll(folder / "m", specs, {}).ok());
  Result<Checkpoint> checkpoint = Checkpoint::open(folder / "m");
  ASSERT_TRUE(checkpoint.ok());
  for (const TensorView& tensor : checkpoint->tensors()) {
    checkpoint->prefetch(tensor);
    checkpoint->release(tensor);
  }
  expectAll(*checkpoint, specs);
}

TEST(Checkpoint, an_empty_model_is_a_model) {
  TemporaryFolder folder;
  ASSERT_TRUE(writeAll(folder / "m", {}, {}).ok());
  Result<Checkpoint> checkpoint = Checkpoint::open(folder / "m");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  EXPECT_TRUE(checkpoint->tensors().empty());
}

TEST(Checkpoint, shards_hold_the_same) {
  TemporaryFolder folder;
  std::vector<TensorSpec> specs;
  for (int i = 0; i < 40; ++i)
    specs.push_back({"t" + std::to_string(i), DType::kF32, {100 + i}});
  CheckpointOptions options = kFast;
  options.shardBytes = 8192;
  ASSERT_TRUE(writeAll(folder / "m.burin", specs, {}, options).ok());
  Result<Checkpoint> checkpoint = Checkpoint::open(folder / "m.burin");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  EXPECT_GE(checkpoint->files().size(), 3u);
  for (const MappedFile& file : checkpoint->files())
    EXPECT_LE(file.bytes().size(), 8192u) << file.path();
  expectAll(*checkpoint, specs);
}

TEST(Checkpoint, replacing_shards_leaves_no_litter) {
  TemporaryFolder folder;
  std::vector<TensorSpec> first = {{"a", DType::kF32, {3000}},
                                   {"b", DType::kF32, {3000}},
                                   {"c", DType::kF32, {3000}}};
  std::vector<TensorSpec> second = {{"d", DType::kF32, {3000}},
                                    {"e", DType::kF32, {3000}}};
  CheckpointOptions options = kFast;
  options.shardBytes = 13000;
  ASSERT_TRUE(writeAll(folder / "m", first, {}, options).ok());
  EXPECT_EQ(folder.names().size(), 3u);
  ASSERT_TRUE(writeAll(folder / "m", first, {}, options).ok()); // the same
  EXPECT_EQ(folder.names().size(), 3u);
  ASSERT_TRUE(writeAll(folder / "m", second, {}, options).ok());
  EXPECT_EQ(folder.names().size(), 2u);
  Result<Checkpoint> checkpoint = Checkpoint::open(folder / "m");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  expectAll(*checkpoint, second);
}

TEST(Checkpoint, an_interrupted_write_keeps_the_old_one) {
  TemporaryFolder folder;
  std::vector<TensorSpec> specs = someSpecs();
  ASSERT_TRUE(writeAll(folder / "m", specs, {}).ok());
  {
    Result<CheckpointWriter> writer =
        CheckpointWriter::create(folder / "m", {{"x", DType::kF32, {4}}}, {});
    ASSERT_TRUE(writer.ok());
    EXPECT_FALSE(writer->commit().ok());
  }
  Result<Checkpoint> checkpoint = Checkpoint::open(folder / "m");
  ASSERT_TRUE(checkpoint.ok());
  expectAll(*checkpoint, specs);
}

TEST(Checkpoint, metadata_can_follow_the_data) {
  TemporaryFolder folder;
  Result<CheckpointWriter> writer =
      CheckpointWriter::create(folder / "m", {}, {{"hash", "0000"}}, kFast);
  ASSERT_TRUE(writer.ok());
  EXPECT_FALSE(writer->setMetadata("hash", "12345").ok());
  EXPECT_FALSE(writer->setMetadata("other", "1234").ok());
  ASSERT_TRUE(writer->setMetadata("hash", "1234").ok());
  ASSERT_TRUE(writer->commit().ok());
  EXPECT_EQ(Checkpoint::open(folder / "m")->metadata("hash"), "1234");
}

TEST(Checkpoint, writer_refuses_impossible_tensors) {
  TemporaryFolder folder;
  auto create = [&](std::vector<TensorSpec> specs) {
    return CheckpointWriter::create(folder / "m", std::move(specs), {})
        .status()
        .code();
  };
  TensorSpec one = {"a", DType::kF32, {1}};
  EXPECT_EQ(create({one, one}), Code::kInvalidArgument);
  EXPECT_EQ(create({{"a", DType::kF32, {-1}}}), Code::kInvalidArgument);
  EXPECT_EQ(create({{"a", DType::kF32, Shape(17, 1)}}), Code::kInvalidArgument);
  Result<CheckpointWriter> writer =
      CheckpointWriter::create(folder / "m", {one}, {});
  ASSERT_TRUE(writer.ok());
  EXPECT_FALSE(writer->write(std::vector<std::byte>(5)).ok());
}

TEST(Checkpoint, shards_must_be_there_and_whole) {
  TemporaryFolder folder;
  CheckpointOptions options = kFast;
  options.shardBytes = 5000;
  ASSERT_TRUE(writeAll(folder / "m",
                       {{"a", DType::kF32, {1000}}, {"b", DType::kF32, {1000}}},
                       {}, options)
                  .ok());
  std::string shard = folder / folder.names().back();
  std::string bytes = readText(shard);
  writeText(shard, bytes.substr(1));
  Status shorter = Checkpoint::open(folder / "m").status();
  EXPECT_EQ(shorter.code(), Code::kDataLoss);
  EXPECT_NE(shorter.message().find(shard), std::string::npos);
  std::filesystem::remove(shard);
  EXPECT_EQ(Checkpoint::open(folder / "m").status().code(), Code::kNotFound);
}

// An index that the writer would not make: `change` edits a good one of three
// tensors, two metadata entries and no shard.
std::string fileOf(const std::function<void(checkpoint::IndexT&)>& change) {
  checkpoint::IndexT index;
  index.version = checkpoint::kVersion;
  for (uint64_t i = 0; i < 3; ++i) {
    auto tensor = std::make_unique<checkpoint::TensorT>();
    tensor->name = std::string(1, static_cast<char>('a' + i));
    tensor->dtype = static_cast<uint8_t>(DType::kF32);
    tensor->shape = {4};
    tensor->bytes = 16;
    tensor->offset = 4096 + 64 * i;
    index.tensors.push_back(std::move(tensor));
  }
  for (const char* key : {"k", "l"}) {
    auto entry = std::make_unique<checkpoint::EntryT>();
    entry->key = key;
    index.metadata.push_back(std::move(entry));
  }
  change(index);
  flatbuffers::FlatBufferBuilder builder;
  checkpoint::FinishIndexBuffer(builder,
                                checkpoint::CreateIndex(builder, &index));
  uint64_t size = builder.GetSize();
  std::string file(checkpoint::kMagic);
  file.append(reinterpret_cast<const char*>(&size), 8);
  file.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), size);
  file.resize(4096 + 3 * 64);
  return file;
}

Status parse(const std::string& file) {
  std::vector<uint64_t> aligned(file.size() / 8 + 1);
  std::memcpy(aligned.data(), file.data(), file.size());
  return parseCheckpointIndex(
             std::as_bytes(std::span(aligned)).first(file.size()))
      .status();
}

struct BadIndex {
  const char* what; // a part of the message
  std::function<void(checkpoint::IndexT&)> change;
};

std::unique_ptr<checkpoint::ShardT> shardOf(std::string name) {
  auto shard = std::make_unique<checkpoint::ShardT>();
  shard->file = std::move(name);
  return shard;
}

TEST(CheckpointIndex, refuses_indices_that_lie) {
  using Index = checkpoint::IndexT;
  const std::vector<BadIndex> table = {
      {"version 2", [](Index& i) { i.version = 2; }},
      {"element type 8", [](Index& i) { i.tensors[0]->dtype = 8; }},
      {"shape [5] claims 16", [](Index& i) { i.tensors[1]->shape = {5}; }},
      {"shape [-4] claims", [](Index& i) { i.tensors[1]->shape = {-4}; }},
      {"claims 16",
       [](Index& i) {
         i.tensors[1]->shape = {1ll << 32, 1ll << 32};
       }},
      {"17 dimensions", [](Index& i) { i.tensors[0]->shape.assign(17, 1); }},
      {"claims 17", [](Index& i) { i.tensors[2]->bytes = 17; }},
      {"multiple of 64", [](Index& i) { i.tensors[2]->offset += 8; }},
      {"multiple of 4096",
       [](Index& i) {
         i.tensors[0]->shape = {1 << 20};
         i.tensors[0]->bytes = 4 << 20;
         i.tensors[0]->offset = 64;
       }},
      {"outside its file", [](Index& i) { i.tensors[2]->offset = 1 << 20; }},
      {"outside its file",
       [](Index& i) { i.tensors[2]->offset = uint64_t{0} - 64; }},
      {"inside the index", [](Index& i) { i.tensors[0]->offset = 0; }},
      {"overlaps", [](Index& i) { i.tensors[1]->offset = 4096; }},
      {"shard 1 of 0", [](Index& i) { i.tensors[1]->shard = 1; }},
      {"repeated or out of order", [](Index& i) { i.tensors[1]->name = "a"; }},
      {"repeated or out of order",
       [](Index& i) { std::swap(i.tensors[0], i.tensors[1]); }},
      {"metadata key", [](Index& i) { i.metadata[1]->key = "k"; }},
      {"not that of a file",
       [](Index& i) { i.shards.push_back(shardOf("../x")); }},
      {"not that of a file", [](Index& i) { i.shards.push_back(shardOf("")); }},
      {"not that of a file",
       [](Index& i) { i.shards.push_back(shardOf("..")); }},
      {"listed twice",
       [](Index& i) {
         i.shards.push_back(shardOf("x"));
         i.shards.push_back(shardOf("x"));
       }},
  };
  EXPECT_TRUE(parse(fileOf([](Index&) {})).ok());
  for (const BadIndex& bad : table) {
    Status status = parse(fileOf(bad.change));
    EXPECT_FALSE(status.ok()) << bad.what;
    EXPECT_NE(status.message().find(bad.what), std::string::npos)
        << "wanted: " << bad.what << "\ngot: " << status.message();
  }
}

TEST(CheckpointIndex, refuses_shapes_that_lie_askew) {
  const std::string good = fileOf([](checkpoint::IndexT&) {});
  int askew = 0;
  // Somewhere in here are the offsets of the shapes; point each 4 bytes on.
  for (size_t at = checkpoint::kIndexOffset; at < 1024; at += 4) {
    std::string file = good;
    uint32_t offset = 0;
    std::memcpy(&offset, &file[at], sizeof offset);
    offset += 4;
    std::memcpy(&file[at], &offset, sizeof offset);
    askew += parse(file).message().find("aligned") != std::string::npos;
  }
  EXPECT_GE(askew, 1);
}

TEST(CheckpointIndex, refuses_damaged_bytes) {
  const std::string good = fileOf([](checkpoint::IndexT&) {});
  auto withSize = [&](uint64_t size) {
    std::string file = good;
    std::memcpy(file.data() + 8, &size, 8);
    return file;
  };
  EXPECT_FALSE(parse("").ok());
  EXPECT_FALSE(parse("BURINCKP").ok());
  EXPECT_FALSE(parse("GURINCKP" + good.substr(8)).ok());
  EXPECT_FALSE(parse(withSize(0)).ok());
  EXPECT_FALSE(parse(withSize(good.size())).ok());
  EXPECT_FALSE(parse(withSize(UINT64_MAX)).ok());
  EXPECT_FALSE(parse(withSize(40)).ok());
  // Cut anywhere, the file is refused: its last tensor ends at the end.
  for (size_t size = 0; size + 48 < good.size(); size += 61)
    EXPECT_FALSE(parse(good.substr(0, size)).ok()) << size;
}

} // namespace
} // namespace burin
