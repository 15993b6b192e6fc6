// SPDX-License-Identifier: Apache-2.0
// Tokenizers: the four texts of an input (vocabulary, merges, configuration,
// prompt) are set apart by zero bytes.
#include <array>
#include <cstdlib>
#include <string>

#include "models/text/clip_tokenizer.h"
#include "tests/robustness/fuzz.h"

namespace burin {
namespace {

std::vector<std::byte> inputOf(const std::string& merges,
                               const std::string& config,
                               const std::string& prompt) {
  std::string vocabulary;
  int id = 0;
  for (const char* token : {"a", "b", "c", "a</w>", "b</w>", "c</w>", "ab",
                            "abc</w>", "<|startoftext|>", "<|endoftext|>"}) {
    vocabulary += id ? ",\"" : "{\"";
    vocabulary += token;
    vocabulary += "\":" + std::to_string(id);
    ++id;
  }
  std::string text =
      vocabulary + "}" + '\0' + merges + '\0' + config + '\0' + prompt;
  auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

} // namespace

std::vector<std::vector<std::byte>> fuzzSeeds() {
  return {inputOf("#version: 0.2\na b\nab c</w>\n", "{}", "abc cab"),
          inputOf("a b\n", R"({"model_max_length":5,"pad_token":"a"})",
                  "ab's \xc3\xa9\xf0\x9f\x98\x80 12 <|endoftext|>")};
}

} // namespace burin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, 4> texts;
  for (std::string_view& text : texts) {
    size_t end = std::min(rest.find('\0'), rest.size());
    text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  auto tokenizer =
      burin::text::ClipTokenizer::create({texts[0], texts[1], texts[2]});
  if (!tokenizer.ok())
    return 0;
  burin::text::Encoding encoding = tokenizer->encode(texts[3]);
  if (encoding.ids.size() != tokenizer->maxTokens())
    std::abort();
  std::vector<int32_t> ids(encoding.ids.begin(), encoding.ids.end());
  (void)tokenizer->decode(ids);
  return 0;
}
