// SPDX-License-Identifier: Apache-2.0
// Typed access to a configuration with messages a user can act on.
#include "models/graph/common/config.h"

#include <algorithm>

namespace burin::models {

namespace {

// Extents beyond this cannot be those of a network; the limit keeps products
// of a few of them inside int64.
constexpr int64_t kLargestInteger = int64_t{1} << 24;

bool isCount(const nlohmann::json& value) {
  return value.is_number_integer() && value.get<double>() >= 1 &&
         value.get<double>() <= static_cast<double>(kLargestInteger);
}

} // namespace

Config::Config(std::string label, const nlohmann::json& json)
    : label_(std::move(label)), json_(json) {
  if (!json_.is_object())
    status_ = invalidArgument(label_ + " is not a JSON object");
}

const nlohmann::json* Config::lookUp(std::string_view key) const {
  if (!json_.is_object())
    return nullptr;
  auto found = json_.find(std::string(key));
  return found == json_.end() ? nullptr : &*found;
}

bool Config::has(std::string_view key) const {
  const nlohmann::json* value = lookUp(key);
  return value && !value->is_null();
}

const nlohmann::json* Config::find(std::string_view key) {
  known_.emplace(key);
  return status_.ok() ? lookUp(key) : nullptr;
}

void Config::reject(std::string_view key, const std::string& message) {
  if (status_.ok())
    status_ =
        invalidArgument(label_ + ": '" + std::string(key) + "' " + message);
}

void Config::unsupported(std::string_view key, const std::string& supported) {
  if (!status_.ok())
    return;
  const nlohmann::json* value = lookUp(key);
  status_ = unimplemented(label_ + ": '" + std::string(key) + "' is " +
                          (value ? value->dump() : "missing") +
                          ", and Burin supports " + supported);
}

int64_t Config::integer(std::string_view key, int64_t fallback) {
  const nlohmann::json* value = find(key);
  if (!value)
    return fallback;
  if (!value->is_number_integer() ||
      std::abs(value->get<double>()) > static_cast<double>(kLargestInteger)) {
    unsupported(key, "an integer of magnitude up to 2^24");
    return fallback;
  }
  return value->get<int64_t>();
}

double Config::number(std::string_view key, double fallback) {
  const nlohmann::json* value = find(key);
  if (!value)
    return fallback;
  if (!value->is_number()) {
    unsupported(key, "a number");
    return fallback;
  }
  return value->get<double>();
}

bool Config::boolean(std::string_view key, bool fallback) {
  const nlohmann::json* value = find(key);
  if (!value)
    return fallback;
  if (!value->is_boolean()) {
    unsupported(key, "true and false");
    return fallback;
  }
  return value->get<bool>();
}

std::string Config::text(std::string_view key, std::string_view fallback) {
  const nlohmann::json* value = find(key);
  if (!value)
    return std::string(fallback);
  if (!value->is_string()) {
    unsupported(key, "a string");
    return std::string(fallback);
  }
  return value->get<std::string>();
}

int64_t Config::positive(std::string_view key, int64_t fallback) {
  const nlohmann::json* value = find(key);
  if (!value)
    return fallback;
  if (!isCount(*value)) {
    unsupported(key, "an integer from 1 to 2^24");
    return fallback;
  }
  return value->get<int64_t>();
}

std::vector<int64_t> Config::positives(std::string_view key,
                                       std::vector<int64_t> fallback) {
  const nlohmann::json* value = find(key);
  if (!value)
    return fallback;
  if (!value->is_array() || value->empty() ||
      !std::all_of(value->begin(), value->end(), isCount)) {
    unsupported(key, "a list of integers from 1 to 2^24");
    return fallback;
  }
  return value->get<std::vector<int64_t>>();
}

std::vector<std::string> Config::texts(std::string_view key,
                                       std::vector<std::string> fallback) {
  const nlohmann::json* value = find(key);
  if (!value)
    return fallback;
  bool strings = value->is_array() && !value->empty() &&
                 std::all_of(value->begin(), value->end(),
                             [](const auto& item) { return item.is_string(); });
  if (!strings) {
    unsupported(key, "a list of strings");
    return fallback;
  }
  return value->get<std::vector<std::string>>();
}

std::vector<int64_t> Config::perLevel(std::string_view key, size_t count,
                                      int64_t fallback) {
  const nlohmann::json* value = find(key);
  if (!value)
    return std::vector<int64_t>(count, fallback);
  if (isCount(*value))
    return std::vector<int64_t>(count, value->get<int64_t>());
  if (!value->is_array() || value->size() != count ||
      !std::all_of(value->begin(), value->end(), isCount)) {
    unsupported(key, "a positive integer or a list of " +
                         std::to_string(count) + ", one a level");
    return std::vector<int64_t>(count, fallback);
  }
  return value->get<std::vector<int64_t>>();
}

void Config::require(std::initializer_list<std::string_view> keys,
                     const nlohmann::json& only) {
  for (std::string_view key : keys) {
    const nlohmann::json* value = find(key);
    if (!value || *value == only || (value->is_null() && only == false))
      continue;
    bool every = value->is_array() &&
                 std::all_of(value->begin(), value->end(),
                             [&](const auto& item) { return item == only; });
    if (!every)
      unsupported(key, "only " + only.dump());
  }
}

void Config::ignore(std::initializer_list<std::string_view> keys) {
  known_.insert(keys.begin(), keys.end());
}

Status Config::finish() {
  if (!status_.ok())
    return status_;
  for (const auto& [key, value] : json_.items()) {
    // Keys that begin with an underscore are notes of the program that wrote
    // the file; a null changes nothing.
    if (key.starts_with('_') || value.is_null() || known_.contains(key))
      continue;
    return unimplemented(label_ + ": '" + key + "' is " + value.dump() +
                         ", a key Burin does not know and so cannot honour; "
                         "remove it if it does not change the network");
  }
  return okStatus();
}

} // namespace burin::models
