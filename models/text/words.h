// SPDX-License-Identifier: Apache-2.0
// Where CLIP divides a text into words.
#pragma once

#include <string_view>
#include <vector>

namespace burin::text {

// The words of a normalized, well-formed text, as views into it. At each
// position the first of these that matches is a word; white space is dropped:
//   's 't 're 've 'm 'll 'd | letters+ | one number | others+
// A spelled-out "<|startoftext|>" or "<|endoftext|>" is the three words
// "<|", its letters and "|>", whatever follows.
std::vector<std::string_view> splitWords(std::string_view text);

} // namespace burin::text
