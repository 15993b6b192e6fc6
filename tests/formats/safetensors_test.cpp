// SPDX-License-Identifier: Apache-2.0
// Round trips, and one row for each way in which a file can lie.
#include "formats/safetensors/safetensors.h"
#include "tests/formats/temporary_folder.h"

#include <cstring>

namespace burin {
namespace {

std::string withHeader(const std::string& json, size_t dataBytes,
                       std::optional<uint64_t> size = {}) {
  uint64_t claimed = size.value_or(json.size());
  return std::string(reinterpret_cast<const char*>(&claimed), 8) + json +
         std::string(dataBytes, '\1');
}

Status parse(const std::string& file) {
  return parseSafetensorsHeader(std::as_bytes(std::span(file))).status();
}

TEST(Safetensors, reads_back_what_it_wrote) {
  TemporaryFolder folder;
  std::vector<float> wide = {1, 2, 3, 4, 5, 6};
  std::vector<int64_t> ids = {-1, 7};
  Shape wideShape = {2, 3}, idShape = {2}, none = {0, 4}, scalar;
  float one = 0.5f;
  std::vector<TensorView> tensors = {
      {"z.wide", DType::kF32, wideShape, std::as_bytes(std::span(wide))},
      {"none", DType::kF16, none, {}},
      {"ids", DType::kI64, idShape, std::as_bytes(std::span(ids))},
      {"scalar", DType::kF32, scalar, std::as_bytes(std::span(&one, 1))}};
  ASSERT_TRUE(writeSafetensors(folder / "a", tensors, {{"format", "pt"}}).ok());

  Result<SafetensorsFile> file = SafetensorsFile::open(folder / "a");
  ASSERT_TRUE(file.ok()) << file.status().message();
  SafetensorsFile moved = *std::move(file);
  EXPECT_EQ(moved.metadata().at("format"), "pt");
  ASSERT_EQ(moved.tensors().size(), tensors.size());
  EXPECT_EQ(moved.tensors().front().name, "z.wide"); // order of the data
  for (const TensorView& wanted : tensors) {
    const TensorView* found = moved.find(wanted.name);
    ASSERT_NE(found, nullptr) << wanted.name;
    EXPECT_EQ(found->dtype, wanted.dtype);
    EXPECT_TRUE(std::ranges::equal(found->shape, wanted.shape));
    ASSERT_EQ(found->data.size(), wanted.data.size());
    EXPECT_TRUE(std::ranges::equal(found->data, wanted.data)) << wanted.name;
  }
  EXPECT_EQ(moved.find("wide"), nullptr);
}

TEST(Safetensors, data_starts_aligned) {
  TensorSpec spec = {"a", DType::kF32, {1}};
  for (size_t i = 0; i < 70; ++i) {
    spec.name += 'x';
    Result<std::string> header = makeSafetensorsHeader({&spec, 1}, {});
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->size() % 64, 0u);
  }
}

TEST(Safetensors, writer_counts_bytes) {
  TemporaryFolder folder;
  std::vector<TensorSpec> specs = {{"a", DType::kF32, {2}}};
  Result<SafetensorsWriter> writer =
      SafetensorsWriter::create(folder / "a", specs);
  ASSERT_TRUE(writer.ok());
  std::array<std::byte, 12> data{};
  ASSERT_TRUE(writer->write(std::span(data).first(4)).ok());
  EXPECT_FALSE(writer->commit().ok());
  EXPECT_FALSE(writer->write(data).ok());
  specs.push_back(specs.front());
  EXPECT_FALSE(SafetensorsWriter::create(folder / "a", specs).ok());
  EXPECT_TRUE(folder.names().empty());
}

TEST(Safetensors, accepts_what_the_format_allows) {
  EXPECT_TRUE(parse(withHeader("{}", 0)).ok());
  EXPECT_TRUE(parse(withHeader("{}   ", 0)).ok());
  EXPECT_TRUE(parse(withHeader(R"({"__metadata__":{}})", 0)).ok());
  EXPECT_TRUE(parse(withHeader(R"({"b":{"dtype":"U8","shape":[1],)"
                               R"("data_offsets":[1,2]},)"
                               R"("a":{"shape":[],"data_offsets":[0,1],)"
                               R"("dtype":"BOOL"}})",
                               2))
                  .ok());
}

struct BadFile {
  const char* what; // a part of the message
  std::string file;
};

std::vector<BadFile> badFiles() {
  auto one = [](const std::string& body, size_t data = 4) {
    return withHeader("{\"a\":{" + body + "}}", data);
  };
  std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  return {
      {"starts with 8 bytes", ""},
      {"starts with 8 bytes", "1234567"},
      {"claims 18446744073709551615", withHeader("{}", 0, UINT64_MAX)},
      {"at most 100000000", withHeader("{}", 0, 100'000'001)},
      {"truncated", withHeader("{}", 0, 3)},
      {"not valid JSON", withHeader("", 0)},
      {"not valid JSON", withHeader("{", 0)},
      {"not valid JSON", withHeader("{} x", 0)},
      {"not valid JSON", withHeader("{\"\xff\":1}", 0)},
      {"an array where none belongs", one("\"shape\":[[1]]")},
      {"not an object", withHeader("[]", 0)},
      {"not an object", withHeader("7", 0)},
      {"a number where none", withHeader(R"({"a":1})", 0)},
      {"null where none", withHeader(R"({"a":null})", 0)},
      {"a string where none", withHeader(R"({"__metadata__":"x"})", 0)},
      {"a number where none", withHeader(R"({"__metadata__":{"x":1}})", 0)},
      {"an object where none", withHeader(R"({"__metadata__":{"x":{}}})", 0)},
      {"key 'x' appears twice",
       withHeader(R"({"__metadata__":{"x":"1","x":"2"}})", 0)},
      {"tensor 'a' appears twice",
       withHeader("{\"a\":{" + good + "},\"a\":{" + good + "}}", 4)},
      {"has 'dtype' twice", one("\"dtype\":\"F32\"," + good)},
      {"unknown field 'strides'", one(good + ",\"strides\":[1]")},
      {"lacks 'dtype'", one(R"("shape":[1],"data_offsets":[0,4])")},
      {"lacks 'shape'", one(R"("dtype":"F32","data_offsets":[0,4])")},
      {"lacks 'data_offsets'", one(R"("dtype":"F32","shape":[1])")},
      {"element type 'F8_E4M3'",
       one(R"("dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1])")},
      {"a number where none", one(R"("dtype":1)")},
      {"negative number -1",
       one(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])")},
      {"the number 1.5",
       one(R"("dtype":"F32","shape":[1.5],"data_offsets":[0,4])")},
      {"extent 9223372036854775808", one(R"("shape":[9223372036854775808])")},
      {"more than 2^63", one(R"("dtype":"F32","shape":[4294967296,4294967296],)"
                             R"("data_offsets":[0,4])")},
      {"more than 16 dimensions",
       one(R"("shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1])")},
      {"needs 4 bytes, its data_offsets give it 8",
       one(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])", 8)},
      {"two ascending", one(R"("dtype":"F32","shape":[1],"data_offsets":[4])")},
      {"two ascending",
       one(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])")},
      {"more than two offsets", one(R"("data_offsets":[0,4,8])")},
      {"truncated", one(good, 3)},
      {"belong to none", one(good, 5)},
      {"leaves a hole",
       one(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])", 8)},
      {"overlaps",
       withHeader("{\"a\":{" + good + "},\"b\":{" + good + "}}", 4)},
      {"overlaps", withHeader("{\"a\":{" + good +
                                  R"(},"b":{"dtype":"F32","shape":[1],)"
                                  R"("data_offsets":[2,6]}})",
                              6)},
      {"18446744073709551615",
       one(R"("dtype":"U8","shape":[1],)"
           R"("data_offsets":[18446744073709551614,18446744073709551615])")},
      {"not an object", withHeader(std::string(100000, '['), 0)},
  };
}

TEST(Safetensors, refuses_files_that_lie) {
  for (const BadFile& bad : badFiles()) {
    Status status = parse(bad.file);
    EXPECT_EQ(status.code(), Code::kDataLoss) << bad.what;
    EXPECT_NE(status.message().find(bad.what), std::string::npos)
        << "wanted: " << bad.what << "\ngot: " << status.message();
  }
}

TEST(Safetensors, open_names_the_file) {
  TemporaryFolder folder;
  writeText(folder / "bad.safetensors", "x");
  Status status = SafetensorsFile::open(folder / "bad.safetensors").status();
  EXPECT_NE(status.message().find("bad.safetensors"), std::string::npos);
}

} // namespace
} // namespace burin
