// SPDX-License-Identifier: Apache-2.0
// Checked access to the fields of a JSON file that people write: every error
// names the file, the field by its path, the value and what is allowed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "runtime/base/status.h"

namespace burin::train {

// The text as a tree. Refuses what a tree would hide: two fields of one name;
// and says the line and column of what is no JSON.
Result<nlohmann::json> parseJson(std::string_view text,
                                 const std::string& file);

// One object. What is not in the file keeps the value that the variable has.
class Fields {
public:
  // `path` is where the object lies, "learning_rate"; empty for the root.
  static Result<Fields> of(const nlohmann::json& value, std::string file,
                           std::string path = "");

  // Not empty where it is given.
  Status text(const char* key, std::string& out);
  Status number(const char* key, double& out, double lowest, double highest);
  template <typename T>
  Status integer(const char* key, T& out, int64_t lowest, int64_t highest) {
    auto value = static_cast<int64_t>(out);
    BURIN_TRY(wholeNumber(key, value, lowest, highest));
    out = static_cast<T>(value);
    return okStatus();
  }
  // At least one, none of them empty.
  Status texts(const char* key, std::vector<std::string>& out);
  // The position in `names`.
  Status choice(const char* key, size_t& out,
                std::span<const std::string_view> names);
  // An empty one where there is none.
  Result<Fields> object(const char* key);

  // Whether it is null or absent; null is then a value that is known.
  bool isNull(const char* key);
  bool has(const char* key) const { return object_.contains(key); }
  // An error about a field: "config.json: 'a.b' <problem>".
  Status fault(const std::string& key, const std::string& problem) const;
  // Fails when the object has a field that nothing asked for.
  Status finish() const;

private:
  Fields(nlohmann::json object, std::string file, std::string path)
      : object_(std::move(object)), file_(std::move(file)),
        path_(std::move(path)) {}

  const nlohmann::json* find(const char* key);
  Status wholeNumber(const char* key, int64_t& out, int64_t lowest,
                     int64_t highest);
  Status wrong(const char* key, const nlohmann::json& value,
               const std::string& allowed) const;

  nlohmann::json object_;
  std::string file_, path_;
  std::vector<std::string> known_;
};

// The beginning of a value's text, for messages.
std::string shown(const nlohmann::json& value);
// "0.0001", as short as it can be.
std::string shown(double value);

} // namespace burin::train
