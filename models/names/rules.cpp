// SPDX-License-Identifier: Apache-2.0
// Parses and applies renaming rules.
#include "models/names/rules.h"

#include <algorithm>

namespace burin::names {
namespace {

bool isWildcard(char c) {
  return c == '*' || c == '#';
}

std::string_view trim(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos)
    return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// The text before and after the first `mark`.
struct Halves {
  std::string before, after;
  bool found = false;
};
Halves splitAt(std::string_view text, std::string_view mark) {
  size_t at = text.find(mark);
  if (at == text.npos)
    return {std::string(trim(text)), "", false};
  return {std::string(trim(text.substr(0, at))),
          std::string(trim(text.substr(at + mark.size()))), true};
}

// Tries every length for the first wildcard, the longest first.
bool match(std::string_view pattern, std::string_view name,
           std::vector<std::string>& found) {
  while (!pattern.empty() && !isWildcard(pattern.front())) {
    if (name.empty() || name.front() != pattern.front())
      return false;
    pattern.remove_prefix(1);
    name.remove_prefix(1);
  }
  if (pattern.empty())
    return name.empty();
  size_t longest = name.size();
  if (pattern.front() == '#')
    longest = std::min(longest, name.find_first_not_of("0123456789"));
  for (size_t length = longest; length >= 1; --length) {
    found.emplace_back(name.substr(0, length));
    if (match(pattern.substr(1), name.substr(length), found))
      return true;
    found.pop_back();
  }
  return false;
}

std::string fill(std::string_view target,
                 const std::vector<std::string>& found) {
  std::string name;
  size_t next = 0;
  for (char c : target)
    if (isWildcard(c))
      name += found[next++];
    else
      name += c;
  return name;
}

} // namespace

std::optional<std::vector<std::string>> matchName(std::string_view pattern,
                                                  std::string_view name) {
  std::vector<std::string> found;
  if (!match(pattern, name, found))
    return std::nullopt;
  return found;
}

Result<Rules> Rules::parse(std::string_view text, const std::string& origin) {
  Rules rules;
  bool ignoring = false;
  for (int number = 1; !text.empty(); ++number) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    // `# ` starts a comment; a lone # is a wildcard.
    if (line.empty() || line == "#" || line.starts_with("# "))
      continue;
    auto bad = [&](const std::string& what) {
      return internalError(origin + ":" + std::to_string(number) + ": " + what +
                           ": '" + std::string(line) + "'");
    };
    if (line.front() == '[') {
      ignoring = line == "[ignore]";
      if (!ignoring)
        rules.stages_.emplace_back();
      continue;
    }
    Halves rule = splitAt(line, ignoring ? " : " : " -> ");
    if (!rule.found || rule.before.empty() || rule.after.empty())
      return bad("not a rule");
    if (ignoring) {
      rules.ignored_.push_back({rule.before, rule.after});
      continue;
    }
    if (rules.stages_.empty())
      return bad("a rule outside a stage");
    Halves target = splitAt(rule.after, " | ");
    if (target.found && target.after != "matrix")
      return bad("an unknown change");
    if (std::ranges::count_if(target.before, isWildcard) >
        std::ranges::count_if(rule.before, isWildcard))
      return bad("more wildcards in the name than in the pattern");
    rules.stages_.back().push_back({rule.before, target.before, target.found});
  }
  return rules;
}

Renamed Rules::apply(std::string_view name) const {
  Renamed result;
  result.name = name;
  for (const Rule& rule : ignored_)
    if (matchName(rule.pattern, name)) {
      result.ignored = rule.target;
      return result;
    }
  for (const std::vector<Rule>& stage : stages_)
    for (const Rule& rule : stage)
      if (auto found = matchName(rule.pattern, result.name)) {
        result.name = fill(rule.target, *found);
        result.matrix = result.matrix || rule.matrix;
        break;
      }
  return result;
}

} // namespace burin::names
