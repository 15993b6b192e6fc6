// SPDX-License-Identifier: Apache-2.0
// Selects and names the subjects; the font is read in sprite.cpp.
#include "models/data/subjects.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

#include "models/data/random.h"
#include "models/data/sprite.h"

namespace burin::data {
namespace {

constexpr std::array<std::string_view, 6> kGroups = {
    "Smileys & Emotion", "Animals & Nature", "Food & Drink",
    "Travel & Places",   "Activities",       "Objects"};

// Prefixes of the subgroups whose members an instruction may ask for.
constexpr std::array<std::string_view, 13> kDrawablePrefixes = {
    "animal-",         "plant-",        "food-",
    "drink",           "dishware",      "transport-ground",
    "transport-water", "transport-air", "place-building",
    "sport",           "event",         "musical-instrument",
    "clothing"};

// One subject in eight is held out; the salt is the first that keeps a list of
// everyday subjects (cat, dog, house, ...) in training.
constexpr uint64_t kHeldOutSalt = 210136;
constexpr uint64_t kHeldOutShare = 8;

bool startsWithAny(std::string_view text,
                   std::span<const std::string_view> prefixes) {
  return std::ranges::any_of(prefixes,
                             [&](auto p) { return text.starts_with(p); });
}

std::string articleOf(std::string_view name) {
  // "grapes" and "skis" are several things; "bus" and "glass" are one.
  bool many = name.ends_with("s") && !name.ends_with("ss") &&
              !name.ends_with("us") && !name.ends_with("is");
  if (many)
    return "some";
  // Vowels by sound: "a unicorn", "a ewe", "an hourglass".
  if (name.starts_with("uni") || name.starts_with("ewe") ||
      name.starts_with("one-"))
    return "a";
  bool vowel = std::string_view("aeiou").find(name[0]) != std::string::npos ||
               name.starts_with("hourglass");
  return vowel ? "an" : "a";
}

std::string pluralOf(const std::string& name, const std::string& article) {
  static constexpr std::pair<std::string_view, std::string_view> kIrregular[] =
      {{"mouse", "mice"},  {"goose", "geese"},  {"ox", "oxen"},
       {"wolf", "wolves"}, {"leaf", "leaves"},  {"knife", "knives"},
       {"loaf", "loaves"}, {"scarf", "scarves"}};
  static constexpr std::string_view kUncounted[] = {
      "fish",      "sheep",   "deer",   "bison", "shrimp", "squid",    "bread",
      "rice",      "corn",    "meat",   "bacon", "butter", "salt",     "ice",
      "candy",     "sake",    "oden",   "mate",  "garlic", "broccoli", "sushi",
      "spaghetti", "popcorn", "honey",  "milk",  "jeans",  "tennis",   "golf",
      "wood",      "moose",   "ginger", "coral", "dango"};
  for (std::string_view joint : {" of ", " with ", " and ", " on ", " in "})
    if (name.find(joint) != std::string::npos)
      return {};
  if (article == "some")
    return {};
  for (std::string_view word : kUncounted)
    if (name.ends_with(word))
      return {};
  for (auto [one, many] : kIrregular)
    if (name.ends_with(one) && (name.size() == one.size() ||
                                name[name.size() - one.size() - 1] == ' '))
      return name.substr(0, name.size() - one.size()) + std::string(many);
  auto ends = [&](std::string_view s) { return name.ends_with(s); };
  if (ends("s") || ends("x") || ends("ch") || ends("sh"))
    return name + "es";
  bool vowelBeforeY = name.size() > 1 &&
                      std::string_view("aeiou").find(name[name.size() - 2]) !=
                          std::string::npos;
  if (ends("y") && !vowelBeforeY)
    return name.substr(0, name.size() - 1) + "ies";
  return name + "s";
}

// "1F436 ; fully-qualified # X E0.6 dog face" -> the code point and the name.
struct Entry {
  char32_t codePoint;
  std::string name;
};

std::optional<Entry> parseEntry(std::string_view line) {
  size_t semicolon = line.find(';');
  size_t comment = line.find('#');
  if (semicolon == line.npos || comment == line.npos || comment < semicolon)
    return std::nullopt;
  if (line.substr(semicolon, comment - semicolon).find("fully-qualified") ==
          line.npos ||
      line.substr(semicolon, comment - semicolon).find("minimally") !=
          line.npos)
    return std::nullopt;

  Entry entry;
  uint32_t codePoint = 0;
  auto parsed =
      std::from_chars(line.data(), line.data() + semicolon, codePoint, 16);
  entry.codePoint = codePoint;
  if (parsed.ec != std::errc())
    return std::nullopt;
  // Only a variation selector may follow: the rest is joined or toned.
  std::string_view tail(parsed.ptr, line.data() + semicolon);
  size_t last = tail.find_last_not_of(' ');
  tail = last == tail.npos ? "" : tail.substr(0, last + 1);
  if (tail != "" && tail != " FE0F")
    return std::nullopt;

  // After '#': the emoji, the version "E0.6", the name.
  size_t version = line.find(" E", comment);
  if (version == line.npos)
    return std::nullopt;
  size_t start = line.find(' ', version + 1);
  if (start == line.npos)
    return std::nullopt;
  entry.name = line.substr(start + 1);
  while (!entry.name.empty() &&
         (entry.name.back() == '\r' || entry.name.back() == ' '))
    entry.name.pop_back();
  return entry;
}

// Lower case; nothing for a name outside plain English letters.
std::optional<std::string> plainName(std::string_view name) {
  std::string plain;
  for (char c : name) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && c != ' ' && c != '-')
      return std::nullopt;
    plain += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return plain.empty() ? std::nullopt : std::optional(plain);
}

Result<std::string> readText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return notFound("cannot open '" + path +
                    "'; install the Debian package unicode-data or name the "
                    "file with --names");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

} // namespace

Result<std::vector<Subject>> parseSubjects(std::string_view text) {
  std::vector<Subject> subjects;
  std::string_view group, subgroup;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    constexpr std::string_view kGroup = "# group: ", kSub = "# subgroup: ";
    if (line.starts_with(kGroup))
      group = line.substr(kGroup.size());
    else if (line.starts_with(kSub))
      subgroup = line.substr(kSub.size());
    if (line.starts_with("#") ||
        std::ranges::find(kGroups, group) == kGroups.end() ||
        subgroup == "transport-sign" || subgroup == "time")
      continue;
    auto entry = parseEntry(line);
    auto name = entry ? plainName(entry->name) : std::nullopt;
    if (!name)
      continue;
    Subject subject;
    subject.name = *name;
    subject.id = hash(*name);
    subject.article = articleOf(*name);
    subject.plural = pluralOf(*name, subject.article);
    subject.category = subgroup;
    subject.codePoint = entry->codePoint;
    subject.drawable = startsWithAny(subgroup, kDrawablePrefixes);
    subject.heldOut = mix(subject.id + kHeldOutSalt) % kHeldOutShare == 0;
    subjects.push_back(std::move(subject));
  }
  if (subjects.empty())
    return dataLoss("the list of emoji names holds no usable entry; it must "
                    "be Unicode's emoji-test.txt");
  return subjects;
}

Result<Catalogue> Catalogue::open(const std::string& fontPath,
                                  const std::string& namesPath) {
  BURIN_ASSIGN(std::string text, readText(namesPath));
  auto parsed = parseSubjects(text);
  if (!parsed.ok())
    return parsed.status().within("'" + namesPath + "'");

  BURIN_ASSIGN(SpriteFont font, SpriteFont::open(fontPath));
  Catalogue catalogue;
  for (Subject& subject : *parsed) {
    // A font older than the list lacks the newest emoji.
    auto sprite = font.render(subject.codePoint);
    if (!sprite.ok() && sprite.status().code() == Code::kNotFound)
      continue;
    if (!sprite.ok())
      return sprite.status();
    subject.sprite = *std::move(sprite);
    catalogue.subjects_.push_back(std::move(subject));
  }
  for (int i = 0; i < static_cast<int>(catalogue.subjects_.size()); ++i) {
    const Subject& subject = catalogue.subjects_[i];
    (subject.heldOut ? catalogue.unseen_ : catalogue.seen_).push_back(i);
    if (subject.heldOut || !subject.drawable)
      continue;
    catalogue.drawable_.push_back(i);
    if (!subject.plural.empty())
      catalogue.countable_.push_back(i);
  }
  if (catalogue.countable_.empty() || catalogue.unseen_.size() < 4)
    return dataLoss("'" + fontPath + "' draws too few of the emoji in '" +
                    namesPath + "'; install fonts-noto-color-emoji");
  return catalogue;
}

int Catalogue::find(std::string_view name) const {
  for (int i = 0; i < static_cast<int>(subjects_.size()); ++i)
    if (subjects_[i].name == name)
      return i;
  return -1;
}

} // namespace burin::data
