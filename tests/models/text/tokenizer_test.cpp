// SPDX-License-Identifier: Apache-2.0
// The tokenizer against transformers' on 10,000 strings, and its own limits.
#include "models/text/clip_tokenizer.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "tests/models/golden_file.h"
#include "tests/models/text/clip_vocabulary.h"

namespace burin::text {
namespace {

const ClipVocabulary& vocabulary() {
  static const ClipVocabulary kVocabulary = clipVocabulary();
  return kVocabulary;
}

Result<ClipTokenizer> make(const std::string& config) {
  return ClipTokenizer::create(
      {vocabulary().vocabulary, vocabulary().merges, config});
}

// A golden file's strings, laid end to end.
struct Strings {
  explicit Strings(const GoldenFile& golden)
      : bytes(golden.values<char>("text", DType::kU8)),
        ends(golden.values<int32_t>("text_ends", DType::kI32)) {}

  size_t size() const { return ends.size(); }
  std::string_view operator[](size_t i) const {
    auto begin = static_cast<size_t>(i ? ends[i - 1] : 0);
    return std::string_view(bytes.data(), bytes.size())
        .substr(begin, static_cast<size_t>(ends[i]) - begin);
  }

  std::vector<char> bytes;
  std::vector<int32_t> ends;
};

// Text of at most this many bytes in a failure's message.
std::string shown(std::string_view text) {
  return std::string(text.substr(0, 200));
}

TEST(Tokenizer, equals_transformers_on_ten_thousand_strings) {
  GoldenFile golden("tokens.safetensors");
  Result<ClipTokenizer> tokenizer = make("");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  Strings strings(golden);
  auto ids = golden.values<uint16_t>("ids", DType::kU8);
  auto idEnds = golden.values<int32_t>("id_ends", DType::kI32);
  ASSERT_EQ(strings.size(), 10000u);
  ASSERT_EQ(idEnds.size(), strings.size());

  size_t cutCount = 0;
  for (size_t i = 0; i < strings.size(); ++i) {
    auto begin = ids.begin() + (i ? idEnds[i - 1] : 0);
    // What transformers makes of it, marks included, uncut.
    std::vector<int64_t> expected(begin, ids.begin() + idEnds[i]);
    std::vector<int64_t> whole = {tokenizer->beginId()};
    for (int32_t id : tokenizer->encodeText(strings[i]))
      whole.push_back(id);
    whole.push_back(tokenizer->endId());
    ASSERT_EQ(whole, expected) << i << ": " << shown(strings[i]);

    Encoding encoding = tokenizer->encode(strings[i]);
    EXPECT_EQ(encoding.tokens, expected.size());
    if (expected.size() > 77) {
      expected.resize(76);
      expected.push_back(tokenizer->endId());
      ++cutCount;
    } else {
      EXPECT_EQ(encoding.cut, "");
      expected.resize(77, tokenizer->padId());
    }
    ASSERT_EQ(encoding.ids, expected) << i << ": " << shown(strings[i]);
  }
  EXPECT_GE(cutCount, 100u);
}

TEST(Tokenizer, pads_and_matches_specials_as_configured) {
  GoldenFile golden("tokens.safetensors");
  Result<ClipTokenizer> tokenizer =
      make(R"({"bos_token": {"content": "<|startoftext|>", "lstrip": false,
               "normalized": true, "rstrip": false, "single_word": false},
               "pad_token": "!", "model_max_length": 77})");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  Strings strings(golden);
  auto padded = golden.values<int32_t>("padded", DType::kI32);
  ASSERT_FALSE(padded.empty());
  for (size_t i = 0; i < padded.size() / 77; ++i) {
    std::string text = std::string(strings[i]) + " <|StartOfText|>";
    std::vector<int64_t> expected(padded.begin() + i * 77,
                                  padded.begin() + (i + 1) * 77);
    EXPECT_EQ(tokenizer->encode(text).ids, expected) << shown(text);
  }
}

TEST(Tokenizer, says_what_it_cut) {
  Result<ClipTokenizer> tokenizer = make("");
  ASSERT_TRUE(tokenizer.ok());
  std::string text;
  for (int i = 0; i < 75; ++i)
    text += "red ";
  EXPECT_EQ(tokenizer->encode(text).cut, "");
  Encoding encoding = tokenizer->encode(text + "Penguins on ICE!");
  EXPECT_EQ(encoding.cut, "penguins on ice !");
  EXPECT_EQ(encoding.tokens, 81u);
  EXPECT_EQ(encoding.ids.size(), 77u);
  EXPECT_EQ(encoding.ids.back(), tokenizer->endId());
}

TEST(Tokenizer, decodes_what_it_encodes) {
  Result<ClipTokenizer> tokenizer = make("");
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer->decode(tokenizer->encodeText("a dog in Zürich 🐕")),
            "a dog in zürich 🐕");
}

// One unbroken word of a million letters must not take quadratic time.
TEST(Tokenizer, takes_a_word_of_a_million_bytes) {
  Result<ClipTokenizer> tokenizer = make("");
  ASSERT_TRUE(tokenizer.ok());
  Encoding encoding = tokenizer->encode(std::string(1'000'000, 'a'));
  EXPECT_EQ(encoding.ids.size(), 77u);
}

TEST(Tokenizer, ill_formed_text_becomes_replacement_characters) {
  Result<ClipTokenizer> tokenizer = make("");
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer->encodeText("cat \xff dog"),
            tokenizer->encodeText("cat \xEF\xBF\xBD dog"));
}

// A vocabulary as small as a trained one can be: bytes that it lacks become
// the unknown token.
TEST(Tokenizer, works_with_a_vocabulary_of_six) {
  Result<ClipTokenizer> tokenizer = ClipTokenizer::create(
      {R"({"a": 0, "b</w>": 1, "a</w>": 2, "ab</w>": 3,
           "<|startoftext|>": 4, "<|endoftext|>": 5})",
       "#version: 0.2\na b</w>\n", R"({"model_max_length": 8})"});
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  EXPECT_EQ(tokenizer->encode("AB aab a zb").ids,
            (std::vector<int64_t>{4, 3, 0, 3, 2, 5, 1, 5}));
  EXPECT_EQ(tokenizer->vocabularySize(), 6u);
}

struct BadFiles {
  const char* name;
  const char* vocabulary;
  const char* merges;
  const char* config;
  const char* message; // a part of it
};

class TokenizerErrors : public testing::TestWithParam<BadFiles> {};

TEST_P(TokenizerErrors, are_explained) {
  Result<ClipTokenizer> tokenizer = ClipTokenizer::create(
      {GetParam().vocabulary, GetParam().merges, GetParam().config});
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_NE(tokenizer.status().message().find(GetParam().message),
            std::string::npos)
      << tokenizer.status().message();
}

constexpr const char* kTiny =
    R"({"a": 0, "<|startoftext|>": 1, "<|endoftext|>": 2})";

INSTANTIATE_TEST_SUITE_P(
    All, TokenizerErrors,
    testing::Values(
        BadFiles{"truncated", "{\"a\": 0", "", "", "not a JSON object"},
        BadFiles{"empty", "{}", "", "", "not a JSON object"},
        BadFiles{"list", "[1]", "", "", "not a JSON object"},
        BadFiles{"negative", R"({"a": -1})", "", "", "has the id -1"},
        BadFiles{"fraction", R"({"a": 0.5})", "", "", "has the id 0.5"},
        BadFiles{"huge", R"({"a": 1e30})", "", "", "has the id 1e+30"},
        BadFiles{"twice", R"({"a": 1, "b": 1})", "", "", "gives the id 1"},
        BadFiles{"utf8", "{\"\xff\": 1}", "", "", "not a JSON object"},
        BadFiles{"unmarked", R"({"a": 0})", "", "", "unknown token"},
        BadFiles{"one_part", kTiny, "a\n", "", "line 1"},
        BadFiles{"three_parts", kTiny, "#version: 0.2\na a a\n", "", "line 2"},
        BadFiles{"merge", kTiny, "a a\n", "", "needs the token 'aa'"},
        BadFiles{"config", kTiny, "", "[]", "not a JSON object"},
        BadFiles{"length", kTiny, "", R"({"model_max_length": 1})",
                 "from 2 to"},
        BadFiles{"endless", kTiny, "", R"({"model_max_length": 1e30})",
                 "from 2 to"},
        BadFiles{"pad", kTiny, "", R"({"pad_token": "!"})", "pad_token '!'"},
        BadFiles{"number", kTiny, "", R"({"bos_token": 4})", "neither"},
        BadFiles{"nothing", kTiny, "", R"({"bos_token": ""})", "is empty"},
        BadFiles{"single_word", kTiny, "",
                 R"({"bos_token": {"content": "a", "single_word": true}})",
                 "single_word"}),
    [](const auto& info) { return std::string(info.param.name); });

} // namespace
} // namespace burin::text
