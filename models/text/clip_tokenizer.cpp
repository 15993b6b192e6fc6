// SPDX-License-Identifier: Apache-2.0
// CLIP's rules around byte-pair encoding: configuration, specials and words.
#include "models/text/clip_tokenizer.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "models/text/unicode.h"
#include "models/text/words.h"

namespace burin::text {
namespace {

using nlohmann::json;

constexpr std::string_view kBegin = "<|startoftext|>";
constexpr std::string_view kEnd = "<|endoftext|>";
constexpr size_t kLongestSequence = 4096;

// One of tokenizer_config.json's special tokens: a string, or an object with
// the flags of its matching.
struct SpecialSpec {
  std::string text;
  bool lowered = false;
};

Result<SpecialSpec> specialOf(const json& config, const char* key,
                              std::string_view fallback) {
  auto found = config.find(key);
  if (found == config.end() || found->is_null())
    return SpecialSpec{std::string(fallback)};
  if (found->is_string())
    return SpecialSpec{found->get<std::string>()};
  if (!found->is_object() || !found->contains("content") ||
      !(*found)["content"].is_string())
    return dataLoss("the tokenizer's " + std::string(key) + " is " +
                    found->dump() +
                    ", neither a string nor an object with 'content'");
  auto flag = [&](const char* name) {
    auto value = found->find(name);
    return value != found->end() && value->is_boolean() && value->get<bool>();
  };
  if (flag("single_word"))
    return unimplemented("the tokenizer's " + std::string(key) +
                         " sets single_word, which Burin does not support; "
                         "set it to false");
  return SpecialSpec{(*found)["content"].get<std::string>(),
                     flag("normalized")};
}

Result<size_t> maxTokensOf(const json& config) {
  auto found = config.find("model_max_length");
  if (found == config.end())
    return size_t{77};
  if (!found->is_number() || *found < 2 || *found > kLongestSequence)
    return dataLoss("the tokenizer's model_max_length is " + found->dump() +
                    "; it must be from 2 to " +
                    std::to_string(kLongestSequence));
  return found->get<size_t>();
}

std::string lowered(std::string_view utf8) {
  std::string text;
  for (int32_t codepoint : normalizedLower(utf8))
    appendUtf8(codepoint, text);
  return text;
}

} // namespace

Result<ClipTokenizer> ClipTokenizer::create(const TokenizerFiles& files) {
  json config = files.config.empty()
                    ? json::object()
                    : json::parse(files.config, nullptr, false);
  if (!config.is_object())
    return dataLoss("the tokenizer's configuration is not a JSON object; "
                    "convert the model again");
  // What a later one says about a token replaces what an earlier one said.
  constexpr std::array<const char*, 4> kKeys = {"bos_token", "eos_token",
                                                "unk_token", "pad_token"};
  std::array<SpecialSpec, 4> specs;
  for (size_t i = 0; i < kKeys.size(); ++i) {
    BURIN_ASSIGN(specs[i], specialOf(config, kKeys[i], i == 0 ? kBegin : kEnd));
    if (specs[i].text.empty())
      return dataLoss("the tokenizer's " + std::string(kKeys[i]) + " is empty");
  }
  BURIN_ASSIGN(BytePair model,
               BytePair::create(files.vocabulary, files.merges, specs[2].text));
  ClipTokenizer tokenizer(std::move(model));
  BURIN_ASSIGN(tokenizer.maxTokens_, maxTokensOf(config));
  std::array<int32_t, 4> ids{};
  for (size_t i = 0; i < kKeys.size(); ++i) {
    ids[i] = tokenizer.model_.find(specs[i].text);
    if (ids[i] < 0)
      return dataLoss("the tokenizer's " + std::string(kKeys[i]) + " '" +
                      specs[i].text + "' is not in its vocabulary");
    auto same = [&](const Special& special) { return special.id == ids[i]; };
    std::erase_if(tokenizer.specials_, same);
    tokenizer.specials_.push_back(
        {specs[i].lowered ? lowered(repairUtf8(specs[i].text)) : specs[i].text,
         ids[i], specs[i].lowered});
  }
  tokenizer.begin_ = ids[0];
  tokenizer.end_ = ids[1];
  tokenizer.pad_ = ids[3];
  return tokenizer;
}

// The special that begins first in `text` (the longest of those), with its
// position; null when there is none.
const ClipTokenizer::Special*
ClipTokenizer::findSpecial(std::string_view text, bool lowered,
                           size_t& position) const {
  const Special* best = nullptr;
  position = std::string_view::npos;
  for (const Special& special : specials_) {
    if (special.lowered != lowered)
      continue;
    size_t at = text.find(special.text);
    if (at < position || (at != std::string_view::npos && at == position &&
                          special.text.size() > best->text.size())) {
      best = &special;
      position = at;
    }
  }
  return best;
}

std::vector<int32_t> ClipTokenizer::encodeText(std::string_view text) const {
  std::vector<int32_t> ids;
  encodeRaw(repairUtf8(text), ids);
  return ids;
}

void ClipTokenizer::encodeRaw(std::string_view text,
                              std::vector<int32_t>& ids) const {
  while (!text.empty()) {
    size_t at = 0;
    const Special* special = findSpecial(text, false, at);
    encodeLowered(lowered(text.substr(0, at)), ids);
    if (!special)
      return;
    ids.push_back(special->id);
    text.remove_prefix(at + special->text.size());
  }
}

void ClipTokenizer::encodeLowered(std::string_view text,
                                  std::vector<int32_t>& ids) const {
  while (!text.empty()) {
    size_t at = 0;
    const Special* special = findSpecial(text, true, at);
    for (std::string_view word : splitWords(text.substr(0, at)))
      model_.encode(word, ids);
    if (!special)
      return;
    ids.push_back(special->id);
    text.remove_prefix(at + special->text.size());
  }
}

Encoding ClipTokenizer::encode(std::string_view text) const {
  std::vector<int32_t> own = encodeText(text);
  size_t kept = std::min(own.size(), maxTokens_ - 2);
  Encoding encoding;
  encoding.tokens = own.size() + 2;
  encoding.cut = decode(std::span(own).subspan(kept));
  encoding.ids.reserve(maxTokens_);
  encoding.ids.push_back(begin_);
  encoding.ids.insert(encoding.ids.end(), own.begin(),
                      own.begin() + static_cast<std::ptrdiff_t>(kept));
  encoding.ids.push_back(end_);
  encoding.ids.resize(maxTokens_, pad_);
  return encoding;
}

std::string ClipTokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (int32_t id : ids)
    if (id != begin_ && id != end_)
      text += model_.decode(id);
  while (text.ends_with(' '))
    text.pop_back();
  return repairUtf8(text);
}

} // namespace burin::text
