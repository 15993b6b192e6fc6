// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding: words to token ids by an ordered list of merges.
//
// A word is a sequence of bytes. It begins as one symbol a byte, the last one
// marked as the end of the word; then the adjacent pair that stands first in
// the list of merges becomes one symbol, again and again, leftmost first among
// equals, until no pair is in the list.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/status.h"

namespace burin::text {

class BytePair {
public:
  // `vocabulary` is a JSON object from token to id, `merges` lines of two
  // tokens each after an optional "#version" line. Tokens are written in the
  // printable alphabet of GPT-2, "</w>" marks the end of a word. An unknown
  // symbol is given the id of `unknown`, which must be in the vocabulary.
  static Result<BytePair> create(std::string_view vocabulary,
                                 std::string_view merges,
                                 const std::string& unknown);

  // Appends the ids of one word. Takes O(n log n) for n bytes.
  void encode(std::string_view word, std::vector<int32_t>& ids) const;
  // The bytes a token stands for, a space for the end of a word. Empty for an
  // id outside the vocabulary.
  std::string decode(int32_t id) const;

  // The id of a token, or -1.
  int32_t find(const std::string& token) const;
  size_t size() const { return ids_.size(); }

private:
  struct Merge {
    int32_t rank;
    int32_t id;
  };

  class Word;

  BytePair() = default;
  Status readVocabulary(std::string_view json);
  Status readMerges(std::string_view text);

  std::unordered_map<std::string, int32_t> ids_;
  std::unordered_map<int32_t, std::string> tokens_;
  std::unordered_map<uint64_t, Merge> merges_; // by (left id, right id)
  std::array<int32_t, 256> inner_{};           // symbol of a byte in a word
  std::array<int32_t, 256> last_{};            // and at its end
  std::unordered_map<int32_t, char> bytes_;    // printable character to byte
};

} // namespace burin::text
