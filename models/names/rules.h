// SPDX-License-Identifier: Apache-2.0
// Renames tensors by rules that are data: one text file for each layout.
//
//   # comment
//   [ignore]
//   pattern : reason            leaves the tensor out
//   [any other title]           starts a stage
//   pattern -> name             renames
//   pattern -> name | matrix    renames and drops trailing extents of 1
//
// In a pattern `*` stands for any text and `#` for a number; in the name they
// give back what was matched, in order. A pattern covers the whole name. Each
// stage applies its first rule that matches to the result of the one before.
#pragma once

#include "runtime/base/status.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace burin::names {

struct Renamed {
  std::string name;
  bool matrix = false; // drop trailing extents of 1
  std::string ignored; // the reason, when the tensor is left out
};

class Rules {
public:
  // `origin` names the text in messages, together with the line.
  static Result<Rules> parse(std::string_view text, const std::string& origin);

  Renamed apply(std::string_view name) const;

private:
  struct Rule {
    std::string pattern;
    std::string target; // or the reason, in the ignore list
    bool matrix = false;
  };

  std::vector<Rule> ignored_;
  std::vector<std::vector<Rule>> stages_;
};

// What the wildcards of `pattern` stand for in `name`, or nothing.
std::optional<std::vector<std::string>> matchName(std::string_view pattern,
                                                  std::string_view name);

} // namespace burin::names
