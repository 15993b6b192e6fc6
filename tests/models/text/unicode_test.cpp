// SPDX-License-Identifier: Apache-2.0
// The Unicode rules on the cases where implementations differ.
#include "models/text/unicode.h"

#include <gtest/gtest.h>

#include "models/text/words.h"

namespace burin::text {
namespace {

std::string lower(std::string_view utf8) {
  std::string text;
  for (int32_t codepoint : normalizedLower(utf8))
    appendUtf8(codepoint, text);
  return text;
}

TEST(Unicode, repairs_one_maximal_part_at_a_time) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(repairUtf8(""), "");
  EXPECT_EQ(repairUtf8("aé€😀"), "aé€😀");
  EXPECT_EQ(repairUtf8("\x80"), r);
  EXPECT_EQ(repairUtf8("\xC0\xAF"), r + r);                 // overlong
  EXPECT_EQ(repairUtf8("\xE0\x80\xAF"), r + r + r);         // overlong
  EXPECT_EQ(repairUtf8("\xED\xA0\x80"), r + r + r);         // a surrogate
  EXPECT_EQ(repairUtf8("\xF4\x90\x80\x80"), r + r + r + r); // too large
  EXPECT_EQ(repairUtf8("\xF0\x9F\x98"), r);                 // cut at the end
  EXPECT_EQ(repairUtf8("\xF0\x9F\x98x"), r + "x");          // cut in the middle
  EXPECT_EQ(repairUtf8("\xE2\x82\xE2\x82\xAC"), r + "€");
}

TEST(Unicode, composes_then_lowers) {
  EXPECT_EQ(lower("E\u0301"), "é");
  EXPECT_EQ(lower("\u212B"), "å");              // the Angstrom sign
  EXPECT_EQ(lower("\u1112\u1161\u11AB"), "한"); // Hangul from its parts
  EXPECT_EQ(lower("İ"), "i\u0307");
  EXPECT_EQ(lower("ΣΑΣ"), "σασ"); // no final sigma
  EXPECT_EQ(lower("ﬁ½²"), "ﬁ½²"); // compatibility forms stay
  EXPECT_EQ(lower(""), "");
}

TEST(Unicode, divides_words_as_clip_does) {
  using Words = std::vector<std::string_view>;
  EXPECT_EQ(splitWords("it's we'll 'd'"),
            (Words{"it", "'s", "we", "'ll", "'d", "'"}));
  EXPECT_EQ(splitWords("a12 ½x"), (Words{"a", "1", "2", "½", "x"}));
  EXPECT_EQ(splitWords("\t\n \u3000"), Words{});
  EXPECT_EQ(splitWords("wow!!!🙂x"), (Words{"wow", "!!!🙂", "x"}));
  EXPECT_EQ(splitWords("<|endoftext|>!"),
            (Words{"<|", "endoftext", "|>", "!"}));
}

} // namespace
} // namespace burin::text
