// SPDX-License-Identifier: Apache-2.0
// The Unicode rules that text passes before it becomes tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace burin::text {

enum class CharClass { kSpace, kLetter, kNumber, kOther };

// General categories L* and N*, the White_Space property, and the rest.
CharClass classify(int32_t codepoint);

// `bytes` with every ill-formed part replaced by U+FFFD, one for each maximal
// part that begins a well-formed sequence (Unicode 3.9, as Python and browsers
// do).
std::string repairUtf8(std::string_view bytes);

// Normalization form C, then each character's full lower-case mapping without
// regard to its neighbours. Precondition: `utf8` is well formed.
std::vector<int32_t> normalizedLower(std::string_view utf8);

struct Codepoint {
  int32_t value;
  size_t bytes;
};
// The first one of a well-formed text that is not empty.
Codepoint firstCodepoint(std::string_view utf8);
// Appends the UTF-8 form of a code point that is not a surrogate.
void appendUtf8(int32_t codepoint, std::string& out);

} // namespace burin::text
