// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding with a queue of candidate pairs.
#include "models/text/byte_pair.h"

#include <queue>

#include <nlohmann/json.hpp>

#include "models/text/unicode.h"

namespace burin::text {
namespace {

constexpr std::string_view kWordEnd = "</w>";

uint64_t pairKey(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 |
         static_cast<uint32_t>(right);
}

// GPT-2's alphabet writes a byte as the Latin-1 character of that number where
// it prints, and the others, in order, as U+0100, U+0101, ...
std::array<int32_t, 256> printableAlphabet() {
  std::array<int32_t, 256> alphabet{};
  int32_t next = 0x100;
  for (int32_t byte = 0; byte < 256; ++byte) {
    bool prints = (byte >= '!' && byte <= '~') ||
                  (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
    alphabet[static_cast<size_t>(byte)] = prints ? byte : next++;
  }
  return alphabet;
}

std::string_view nextLine(std::string_view& text) {
  size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r'))
    line.remove_suffix(1);
  return line;
}

} // namespace

Result<BytePair> BytePair::create(std::string_view vocabulary,
                                  std::string_view merges,
                                  const std::string& unknown) {
  BytePair model;
  BURIN_TRY(model.readVocabulary(vocabulary));
  BURIN_TRY(model.readMerges(merges));
  int32_t unknownId = model.find(unknown);
  if (unknownId < 0)
    return dataLoss("the tokenizer's unknown token '" + unknown +
                    "' is not in its vocabulary of " +
                    std::to_string(model.size()) +
                    " tokens; convert the model again with its own tokenizer");
  std::array<int32_t, 256> alphabet = printableAlphabet();
  for (size_t byte = 0; byte < alphabet.size(); ++byte) {
    std::string symbol;
    appendUtf8(alphabet[byte], symbol);
    model.bytes_[alphabet[byte]] = static_cast<char>(byte);
    int32_t inner = model.find(symbol);
    int32_t last = model.find(symbol.append(kWordEnd));
    model.inner_[byte] = inner < 0 ? unknownId : inner;
    model.last_[byte] = last < 0 ? unknownId : last;
  }
  return model;
}

Status BytePair::readVocabulary(std::string_view json) {
  auto object = nlohmann::json::parse(json, nullptr, false);
  if (!object.is_object() || object.empty())
    return dataLoss("the tokenizer's vocabulary is not a JSON object of "
                    "tokens and ids; convert the model again");
  ids_.reserve(object.size());
  tokens_.reserve(object.size());
  for (const auto& [token, id] : object.items()) {
    if (!id.is_number_integer() || id < 0 || id > INT32_MAX)
      return dataLoss("token '" + token +
                      "' of the tokenizer's vocabulary "
                      "has the id " +
                      id.dump() +
                      ", which is not an integer from 0 to 2147483647");
    auto value = id.get<int32_t>();
    if (!tokens_.emplace(value, token).second)
      return dataLoss("the tokenizer's vocabulary gives the id " +
                      std::to_string(value) + " to '" + tokens_[value] +
                      "' and to '" + token + "'");
    ids_.emplace(token, value);
  }
  return okStatus();
}

Status BytePair::readMerges(std::string_view text) {
  int32_t rank = 0;
  for (size_t number = 1; !text.empty(); ++number) {
    std::string_view line = nextLine(text);
    if (line.empty() || line.starts_with("#version"))
      continue;
    size_t space = line.find(' ');
    if (space == std::string_view::npos ||
        line.find(' ', space + 1) != std::string_view::npos)
      return dataLoss("line " + std::to_string(number) +
                      " of the tokenizer's merges is '" + std::string(line) +
                      "', not two tokens with a space between");
    std::string left(line.substr(0, space)), right(line.substr(space + 1));
    std::string merged = left + right;
    for (const std::string& token : {left, right, merged})
      if (find(token) < 0)
        return dataLoss("line " + std::to_string(number) +
                        " of the tokenizer's merges needs the token '" + token +
                        "', which is not in its vocabulary");
    merges_.insert_or_assign(pairKey(find(left), find(right)),
                             Merge{rank++, find(merged)});
  }
  return okStatus();
}

int32_t BytePair::find(const std::string& token) const {
  auto found = ids_.find(token);
  return found == ids_.end() ? -1 : found->second;
}

// The symbols of one word, and the queue of pairs that may merge.
class BytePair::Word {
public:
  Word(const BytePair& model, std::string_view bytes) : model_(model) {
    auto count = static_cast<int32_t>(bytes.size());
    symbols_.reserve(bytes.size());
    for (int32_t i = 0; i < count; ++i) {
      auto byte = static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
      bool last = i + 1 == count;
      symbols_.push_back({last ? model.last_[byte] : model.inner_[byte], i - 1,
                          last ? -1 : i + 1, false});
    }
    for (int32_t i = 0; i < count; ++i)
      consider(i);
  }

  void mergeAll() {
    while (!queue_.empty()) {
      Candidate best = queue_.top();
      queue_.pop();
      merge(best);
    }
  }

  void append(std::vector<int32_t>& ids) const {
    for (const Symbol& symbol : symbols_)
      if (!symbol.merged)
        ids.push_back(symbol.id);
  }

private:
  struct Symbol {
    int32_t id;
    int32_t previous;
    int32_t next; // -1 at the end
    bool merged;  // into its left neighbour
  };
  struct Candidate {
    int32_t rank;
    int32_t position; // of the left symbol
    int32_t id;       // of the result
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };

  Symbol& at(int32_t i) { return symbols_[static_cast<size_t>(i)]; }

  const Merge* mergeOf(int32_t left) {
    if (left < 0 || at(left).next < 0)
      return nullptr;
    auto found =
        model_.merges_.find(pairKey(at(left).id, at(at(left).next).id));
    return found == model_.merges_.end() ? nullptr : &found->second;
  }

  void consider(int32_t left) {
    if (const Merge* merge = mergeOf(left))
      queue_.push({merge->rank, left, merge->id});
  }

  void merge(const Candidate& candidate) {
    Symbol& left = at(candidate.position);
    // Since it was queued one of the pair may have merged with another.
    const Merge* now = left.merged ? nullptr : mergeOf(candidate.position);
    if (!now || now->id != candidate.id)
      return;
    Symbol& right = at(left.next);
    left.id = candidate.id;
    left.next = right.next;
    right.merged = true;
    if (left.next >= 0)
      at(left.next).previous = candidate.position;
    consider(left.previous);
    consider(candidate.position);
  }

  const BytePair& model_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Candidate> queue_;
};

void BytePair::encode(std::string_view word, std::vector<int32_t>& ids) const {
  Word symbols(*this, word);
  symbols.mergeAll();
  symbols.append(ids);
}

std::string BytePair::decode(int32_t id) const {
  auto found = tokens_.find(id);
  if (found == tokens_.end())
    return {};
  std::string_view token = found->second;
  bool atEnd = token.ends_with(kWordEnd);
  if (atEnd)
    token.remove_suffix(kWordEnd.size());
  std::string out;
  while (!token.empty()) {
    Codepoint character = firstCodepoint(token);
    auto byte = bytes_.find(character.value);
    if (byte == bytes_.end())
      out += token.substr(0, character.bytes);
    else
      out += byte->second;
    token.remove_prefix(character.bytes);
  }
  if (atEnd)
    out += ' ';
  return out;
}

} // namespace burin::text
