// SPDX-License-Identifier: Apache-2.0
// Unicode rules, by utf8proc (Unicode 15).
#include "models/text/unicode.h"

#include <utf8proc.h>

namespace burin::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr int32_t kCapitalIWithDot = 0x130;

struct Lead {
  int length;     // of the whole sequence; 0: cannot begin one
  uint8_t lowest; // allowed values of the second byte
  uint8_t highest;
};

// Table 3-7 of the Unicode standard: the second byte's range excludes overlong
// forms, surrogates and values above U+10FFFF.
Lead leadOf(uint8_t byte) {
  if (byte < 0x80)
    return {1, 0, 0};
  if (byte < 0xC2 || byte > 0xF4)
    return {0, 0, 0};
  if (byte < 0xE0)
    return {2, 0x80, 0xBF};
  if (byte < 0xF0)
    return {3, static_cast<uint8_t>(byte == 0xE0 ? 0xA0 : 0x80),
            static_cast<uint8_t>(byte == 0xED ? 0x9F : 0xBF)};
  return {4, static_cast<uint8_t>(byte == 0xF0 ? 0x90 : 0x80),
          static_cast<uint8_t>(byte == 0xF4 ? 0x8F : 0xBF)};
}

// Bytes of `text` that form, or begin to form, the sequence at its front.
size_t sequenceBytes(std::string_view text, Lead lead) {
  size_t count = 1;
  for (; count < text.size() && static_cast<int>(count) < lead.length;
       ++count) {
    auto byte = static_cast<uint8_t>(text[count]);
    uint8_t lowest = count == 1 ? lead.lowest : 0x80;
    uint8_t highest = count == 1 ? lead.highest : 0xBF;
    if (byte < lowest || byte > highest)
      break;
  }
  return count;
}

} // namespace

CharClass classify(int32_t codepoint) {
  if ((codepoint >= 0x09 && codepoint <= 0x0D) || codepoint == 0x85)
    return CharClass::kSpace;
  switch (utf8proc_category(codepoint)) {
  case UTF8PROC_CATEGORY_LU:
  case UTF8PROC_CATEGORY_LL:
  case UTF8PROC_CATEGORY_LT:
  case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
    return CharClass::kLetter;
  case UTF8PROC_CATEGORY_ND:
  case UTF8PROC_CATEGORY_NL:
  case UTF8PROC_CATEGORY_NO:
    return CharClass::kNumber;
  case UTF8PROC_CATEGORY_ZS:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
    return CharClass::kSpace;
  default:
    return CharClass::kOther;
  }
}

std::string repairUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    Lead lead = leadOf(static_cast<uint8_t>(bytes.front()));
    size_t count = sequenceBytes(bytes, lead);
    out += static_cast<int>(count) == lead.length ? bytes.substr(0, count)
                                                  : kReplacement;
    bytes.remove_prefix(count);
  }
  return out;
}

std::vector<int32_t> normalizedLower(std::string_view utf8) {
  constexpr auto kDecompose =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
  constexpr auto kCompose =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const auto* data = reinterpret_cast<const utf8proc_uint8_t*>(utf8.data());
  auto size = static_cast<utf8proc_ssize_t>(utf8.size());

  utf8proc_ssize_t count =
      utf8proc_decompose(data, size, nullptr, 0, kDecompose);
  // One spare element: the library asks for room to terminate the text.
  std::vector<utf8proc_int32_t> composed(
      static_cast<size_t>(count > 0 ? count + 1 : 1));
  utf8proc_decompose(data, size, composed.data(), count, kDecompose);
  count = utf8proc_normalize_utf32(composed.data(), count, kCompose);

  std::vector<int32_t> lower;
  lower.reserve(composed.size());
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    utf8proc_int32_t codepoint = composed[static_cast<size_t>(i)];
    if (codepoint == kCapitalIWithDot) // the one mapping to two characters
      lower.insert(lower.end(), {0x69, 0x307});
    else
      lower.push_back(utf8proc_tolower(codepoint));
  }
  return lower;
}

Codepoint firstCodepoint(std::string_view utf8) {
  utf8proc_int32_t value = 0;
  utf8proc_ssize_t bytes =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(utf8.data()),
                       static_cast<utf8proc_ssize_t>(utf8.size()), &value);
  return {value, static_cast<size_t>(bytes)};
}

void appendUtf8(int32_t codepoint, std::string& out) {
  utf8proc_uint8_t bytes[4];
  utf8proc_ssize_t count = utf8proc_encode_char(codepoint, bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
}

} // namespace burin::text
