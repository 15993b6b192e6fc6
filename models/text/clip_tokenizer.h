// SPDX-License-Identifier: Apache-2.0
// The tokenizer of CLIP text encoders, equal to transformers' CLIPTokenizer.
//
// Text -> NFC -> lower case -> words (contractions, runs of letters, single
// digits, runs of anything else) -> byte pairs -> begin + ids + end, padded.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/text/byte_pair.h"
#include "runtime/base/status.h"

namespace burin::text {

// The texts of vocab.json, merges.txt and tokenizer_config.json, as a
// checkpoint carries them. `config` may be empty: then CLIP's own values hold.
struct TokenizerFiles {
  std::string_view vocabulary;
  std::string_view merges;
  std::string_view config;
};

struct Encoding {
  std::vector<int64_t> ids; // maxTokens of them: what the encoder reads
  size_t tokens;            // of the text before it was cut, marks included
  std::string cut;          // the text that did not fit, lower-cased
};

// Immutable once made: any number of threads may share one.
class ClipTokenizer {
public:
  static Result<ClipTokenizer> create(const TokenizerFiles& files);

  // Never fails: ill-formed UTF-8 becomes U+FFFD, text beyond the limit is cut.
  Encoding encode(std::string_view text) const;
  // The ids of the text alone, neither marked, cut nor padded.
  std::vector<int32_t> encodeText(std::string_view text) const;
  // The text of ids, with the marks left out and words set apart by a space.
  std::string decode(std::span<const int32_t> ids) const;

  size_t vocabularySize() const { return model_.size(); }
  size_t maxTokens() const { return maxTokens_; }
  int32_t beginId() const { return begin_; }
  int32_t endId() const { return end_; }
  int32_t padId() const { return pad_; }

private:
  // A token that stands for itself wherever its text appears.
  struct Special {
    std::string text;
    int32_t id;
    bool lowered; // looked for after lower-casing, not before
  };

  explicit ClipTokenizer(BytePair model) : model_(std::move(model)) {}
  const Special* findSpecial(std::string_view text, bool lowered,
                             size_t& position) const;
  void encodeRaw(std::string_view text, std::vector<int32_t>& ids) const;
  void encodeLowered(std::string_view text, std::vector<int32_t>& ids) const;

  BytePair model_;
  std::vector<Special> specials_;
  size_t maxTokens_ = 77;
  int32_t begin_ = 0, end_ = 0, pad_ = 0;
};

} // namespace burin::text
