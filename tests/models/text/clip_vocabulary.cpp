// SPDX-License-Identifier: Apache-2.0
// The order of CLIP's ids: 256 symbols, the same at the end of a word, one
// token a merge, and the two marks.
#include "tests/models/text/clip_vocabulary.h"

#include <fstream>
#include <sstream>
#include <vector>

#include <nlohmann/json.hpp>

#include "models/text/unicode.h"

namespace burin::text {
namespace {
std::vector<std::string> symbols() {
  std::vector<std::string> printable, others;
  for (int32_t byte = 0; byte < 256; ++byte) {
    bool prints = (byte >= 33 && byte < 127) || (byte >= 161 && byte < 173) ||
                  byte >= 174;
    int32_t shown = prints ? byte : 256 + static_cast<int32_t>(others.size());
    appendUtf8(shown, (prints ? printable : others).emplace_back());
  }
  printable.insert(printable.end(), others.begin(), others.end());
  return printable;
}
} // namespace

ClipVocabulary clipVocabulary() {
  std::ifstream file("tests/models/data/clip_merges.txt");
  std::stringstream text;
  text << file.rdbuf();

  nlohmann::json ids = nlohmann::json::object();
  auto add = [&](const std::string& token) {
    auto id = ids.size();
    ids[token] = id;
  };
  for (const std::string& symbol : symbols())
    add(symbol);
  for (const std::string& symbol : symbols())
    add(symbol + "</w>");
  std::string left, right;
  text.ignore(1024, '\n'); // "#version"
  while (text >> left >> right)
    add(left + right);
  add("<|startoftext|>");
  add("<|endoftext|>");
  return {ids.dump(), text.str()};
}

} // namespace burin::text
