// SPDX-License-Identifier: Apache-2.0
// Reads configuration values without trusting their types.
#include "models/names/config.h"

namespace burin::names {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLargest = 1'000'000;
constexpr size_t kLongest = 64; // of a list: no network has more levels

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

bool isCount(const Json& value) {
  return value.is_number_integer() && value.get<int64_t>() >= 1 &&
         value.get<int64_t>() <= kLargest;
}

} // namespace

Result<Json> parseJson(std::string_view text, const std::string& what) {
  // A deep document would overflow the stack when it is destroyed.
  constexpr int kDeepest = 32;
  bool deep = false;
  auto shallow = [&](int depth, Json::parse_event_t, Json&) {
    deep = deep || depth > kDeepest;
    return !deep;
  };
  Json json = Json::parse(text, shallow, /*allow_exceptions=*/false);
  if (deep || !json.is_object())
    return dataLoss(what + " is not a JSON object; fetch the file again");
  return json;
}

const Json* Config::find(const char* key) const {
  auto at = json_.find(key);
  return at == json_.end() || at->is_null() ? nullptr : &*at;
}

void Config::fail(const std::string& message) {
  if (status_.ok())
    status_ =
        invalidArgument("the configuration of " + component_ + " " + message);
}

int64_t Config::count(const char* key, std::optional<int64_t> otherwise) {
  const Json* value = find(key);
  if (!value && otherwise)
    return *otherwise;
  if (value && isCount(*value))
    return value->get<int64_t>();
  fail(value ? "has '" + std::string(key) + "' = " + shown(*value) +
                   ", a whole number from 1 to " + std::to_string(kLargest) +
                   " is needed"
             : "lacks '" + std::string(key) + "'");
  return 1;
}

std::vector<int64_t> Config::counts(const char* key) {
  const Json* value = find(key);
  std::vector<int64_t> result;
  bool good = value && value->is_array() && !value->empty() &&
              value->size() <= kLongest;
  for (size_t i = 0; good && i < value->size(); ++i) {
    good = isCount((*value)[i]);
    if (good)
      result.push_back((*value)[i].get<int64_t>());
  }
  if (good)
    return result;
  fail("has '" + std::string(key) + "' = " + (value ? shown(*value) : "null") +
       ", a list of whole numbers is needed");
  return {1};
}

std::vector<std::string> Config::strings(const char* key) {
  const Json* value = find(key);
  std::vector<std::string> result;
  bool good = value && value->is_array() && value->size() <= kLongest;
  for (size_t i = 0; good && i < value->size(); ++i) {
    good = (*value)[i].is_string();
    if (good)
      result.push_back((*value)[i].get<std::string>());
  }
  if (!good)
    fail("has '" + std::string(key) + "' = " +
         (value ? shown(*value) : "null") + ", a list of names is needed");
  return result;
}

bool Config::flag(const char* key, bool otherwise) {
  const Json* value = find(key);
  if (!value)
    return otherwise;
  if (!value->is_boolean()) {
    fail("has '" + std::string(key) + "' = " + shown(*value) +
         ", true or false is needed");
    return otherwise;
  }
  return value->get<bool>();
}

void Config::require(const char* key, const Json& wanted) {
  const Json* value = find(key);
  if (value && *value != wanted)
    fail("has '" + std::string(key) + "' = " + shown(*value) + ", only " +
         shown(wanted) + " is served");
}

} // namespace burin::names
