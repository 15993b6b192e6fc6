// SPDX-License-Identifier: Apache-2.0
// Word division by hand instead of by regular expression.
#include "models/text/words.h"

#include <array>

#include "models/text/unicode.h"

namespace burin::text {
namespace {

constexpr std::array<std::string_view, 7> kContractions = {
    "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
constexpr std::array<std::string_view, 2> kMarks = {"<|startoftext|>",
                                                    "<|endoftext|>"};

template <size_t N>
std::string_view prefixOf(std::string_view text,
                          const std::array<std::string_view, N>& candidates) {
  for (std::string_view candidate : candidates)
    if (text.starts_with(candidate))
      return candidate;
  return {};
}

// Bytes of the characters of class `wanted` at the front of `text`.
size_t runBytes(std::string_view text, CharClass wanted) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    Codepoint next = firstCodepoint(text.substr(bytes));
    if (classify(next.value) != wanted)
      break;
    bytes += next.bytes;
  }
  return bytes;
}

} // namespace

std::vector<std::string_view> splitWords(std::string_view text) {
  std::vector<std::string_view> words;
  auto take = [&](size_t bytes) {
    words.push_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  };
  while (!text.empty()) {
    if (std::string_view mark = prefixOf(text, kMarks); !mark.empty()) {
      take(2);
      take(mark.size() - 4);
      take(2);
      continue;
    }
    if (std::string_view end = prefixOf(text, kContractions); !end.empty()) {
      take(end.size());
      continue;
    }
    Codepoint first = firstCodepoint(text);
    CharClass kind = classify(first.value);
    if (kind == CharClass::kSpace)
      text.remove_prefix(first.bytes);
    else
      take(kind == CharClass::kNumber ? first.bytes : runBytes(text, kind));
  }
  return words;
}

} // namespace burin::text
