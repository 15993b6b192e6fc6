// SPDX-License-Identifier: Apache-2.0
// The things that pictures show: emoji with names, read from the system's
// emoji font and Unicode's list of names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"

namespace burin::data {

// Premultiplied RGBA bytes in a square, as a chain of halvings down to 8.
struct Sprite {
  struct Level {
    int size;
    std::vector<uint8_t> rgba;
  };
  std::vector<Level> levels;
};

struct Subject {
  std::string name;     // "hot dog": lower case, ASCII, no article
  uint64_t id;          // hash of the name, the same for every font
  std::string plural;   // "hot dogs"; empty where counting makes no sense
  std::string article;  // "a", "an" or "some"
  std::string category; // Unicode's subgroup, such as "food-prepared"
  char32_t codePoint;
  // Whether an instruction may ask for it to be drawn; the others are only
  // kept, moved or removed.
  bool drawable;
  // Never shown in the training split.
  bool heldOut;
  Sprite sprite;

  std::string indefinite() const { return article + " " + name; }
};

inline constexpr const char* kDefaultFont =
    "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf";
inline constexpr const char* kDefaultNames =
    "/usr/share/unicode/emoji/emoji-test.txt";

// The entries of Unicode's emoji-test.txt that can be a subject, without
// pictures: one code point, a plain English name, of a category that shows a
// thing rather than a sign or a person's gesture.
Result<std::vector<Subject>> parseSubjects(std::string_view emojiTest);

// Reads both files and renders every subject. Immutable afterwards.
class Catalogue {
public:
  static Result<Catalogue> open(const std::string& fontPath = kDefaultFont,
                                const std::string& namesPath = kDefaultNames);

  std::span<const Subject> subjects() const { return subjects_; }
  const Subject& operator[](int index) const { return subjects_[index]; }
  // Indices into subjects().
  std::span<const int> drawable() const { return drawable_; } // none held out
  std::span<const int> seen() const { return seen_; }
  std::span<const int> unseen() const { return unseen_; }
  // A seen, drawable subject with a plural.
  std::span<const int> countable() const { return countable_; }
  // -1 where no subject has this name.
  int find(std::string_view name) const;

private:
  std::vector<Subject> subjects_;
  std::vector<int> drawable_, seen_, unseen_, countable_;
};

} // namespace burin::data
