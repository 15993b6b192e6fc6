// SPDX-License-Identifier: Apache-2.0
// A parse for the errors, one for the tree, and look-ups that remember.
#include "models/train/fields.h"

#include <algorithm>
#include <cstdio>
#include <set>

namespace burin::train {
namespace {

using nlohmann::json;

// Deeper than any configuration, and shallow enough to print.
constexpr size_t kMaxDepth = 16;

std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

// Follows the parser's events for what the tree would not show.
class Checker : public nlohmann::json_sax<json> {
public:
  Checker(std::string_view text, const std::string& file)
      : text_(text), file_(file) {}
  const Status& status() const { return status_; }

  bool key(string_t& key) override {
    if (open_.back().keys.insert(key).second) {
      open_.back().key = key;
      return true;
    }
    std::string path;
    for (size_t i = 0; i + 1 < open_.size(); ++i)
      path = joined(path, open_[i].key);
    return fail("'" + joined(path, key) + "' is given twice; keep one");
  }
  bool start_object(std::size_t) override { return push(); }
  bool start_array(std::size_t) override { return push(); }
  bool end_object() override { return pop(); }
  bool end_array() override { return pop(); }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception&) override {
    std::string_view before = text_.substr(0, position ? position - 1 : 0);
    auto line = 1 + std::count(before.begin(), before.end(), '\n');
    size_t start = before.rfind('\n');
    size_t column = before.size() - (start == before.npos ? 0 : start + 1) + 1;
    return fail("not valid JSON at line " + std::to_string(line) + ", column " +
                std::to_string(column) + ", near " + shown(json(token)) +
                "; look there for a missing comma, quote or bracket");
  }

private:
  struct Level {
    std::set<std::string, std::less<>> keys;
    std::string key; // the latest
  };

  bool push() {
    open_.emplace_back();
    return open_.size() <= kMaxDepth ||
           fail("it is nested more than " + std::to_string(kMaxDepth) +
                " deep, which no configuration is");
  }
  bool pop() {
    open_.pop_back();
    return true;
  }
  bool fail(const std::string& problem) {
    if (status_.ok())
      status_ = invalidArgument(file_ + ": " + problem);
    return false;
  }

  std::string_view text_;
  const std::string& file_;
  Status status_;
  std::vector<Level> open_;
};

} // namespace

std::string shown(const json& value) {
  constexpr size_t kMost = 60;
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
}

std::string shown(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.12g", value);
  return text;
}

Result<json> parseJson(std::string_view text, const std::string& file) {
  Checker checker(text, file);
  if (!json::sax_parse(text, &checker))
    return checker.status();
  return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

Result<Fields> Fields::of(const json& value, std::string file,
                          std::string path) {
  if (value.is_object())
    return Fields(value, std::move(file), std::move(path));
  return invalidArgument(
      file + ": " + (path.empty() ? "it" : "'" + path + "'") + " is " +
      shown(value) + "; it must be an object, {\"field\": value, ...}");
}

const json* Fields::find(const char* key) {
  known_.emplace_back(key);
  auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

Status Fields::fault(const std::string& key, const std::string& problem) const {
  return invalidArgument(file_ + ": '" + joined(path_, key) + "' " + problem);
}

Status Fields::wrong(const char* key, const json& value,
                     const std::string& allowed) const {
  return fault(key, "is " + shown(value) + "; it must be " + allowed);
}

Status Fields::text(const char* key, std::string& out) {
  const json* value = find(key);
  if (!value)
    return okStatus();
  if (!value->is_string() || value->get_ref<const std::string&>().empty())
    return wrong(key, *value, "a text in quotes");
  out = value->get<std::string>();
  return okStatus();
}

Status Fields::number(const char* key, double& out, double lowest,
                      double highest) {
  const json* value = find(key);
  if (!value)
    return okStatus();
  if (!value->is_number() || !(*value >= lowest && *value <= highest))
    return wrong(key, *value,
                 "a number from " + shown(lowest) + " to " + shown(highest));
  out = value->get<double>();
  return okStatus();
}

Status Fields::wholeNumber(const char* key, int64_t& out, int64_t lowest,
                           int64_t highest) {
  const json* value = find(key);
  if (!value)
    return okStatus();
  // 1e5 is a whole number too; comparisons first, so that the cast fits.
  if (!value->is_number() || !(*value >= lowest && *value <= highest) ||
      json(value->get<int64_t>()) != *value)
    return wrong(key, *value,
                 "a whole number from " + std::to_string(lowest) + " to " +
                     std::to_string(highest));
  out = value->get<int64_t>();
  return okStatus();
}

Status Fields::texts(const char* key, std::vector<std::string>& out) {
  const json* value = find(key);
  if (!value)
    return okStatus();
  auto isText = [](const json& item) {
    return item.is_string() && !item.get_ref<const std::string&>().empty();
  };
  if (!value->is_array() || value->empty() ||
      !std::ranges::all_of(*value, isText))
    return wrong(key, *value, "a list of texts, [\"one\", ...]");
  out = value->get<std::vector<std::string>>();
  return okStatus();
}

bool Fields::isNull(const char* key) {
  const json* value = find(key);
  return !value || value->is_null();
}

Status Fields::choice(const char* key, size_t& out,
                      std::span<const std::string_view> names) {
  const json* value = find(key);
  if (!value)
    return okStatus();
  std::string allowed;
  for (size_t i = 0; i < names.size(); ++i) {
    if (*value == names[i]) {
      out = i;
      return okStatus();
    }
    allowed += (i ? ", " : "") + std::string(names[i]);
  }
  return wrong(key, *value, "one of " + allowed);
}

Result<Fields> Fields::object(const char* key) {
  const json* value = find(key);
  return of(value ? *value : json::object(), file_, joined(path_, key));
}

Status Fields::finish() const {
  for (const auto& [key, value] : object_.items()) {
    if (std::ranges::find(known_, key) != known_.end())
      continue;
    std::string list;
    for (const std::string& known : known_)
      list += (list.empty() ? "" : ", ") + known;
    return fault(key, "is no field; there are " + list);
  }
  return okStatus();
}

} // namespace burin::train
