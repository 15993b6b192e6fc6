// SPDX-License-Identifier: Apache-2.0
// Typed access to a component's JSON configuration. The first thing that is
// wrong is remembered, so that a reader can take all values and check once.
#pragma once

#include "runtime/base/status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace burin::names {

// A JSON object, or an error that says where `what` stops being one.
Result<nlohmann::json> parseJson(std::string_view text,
                                 const std::string& what);

class Config {
public:
  // `component` names the configuration in messages: "unet".
  Config(std::string component, const nlohmann::json& json)
      : component_(std::move(component)), json_(json) {}

  // A positive whole number of at most a million.
  int64_t count(const char* key, std::optional<int64_t> otherwise = {});
  std::vector<int64_t> counts(const char* key);
  std::vector<std::string> strings(const char* key);
  bool flag(const char* key, bool otherwise);
  // The key must be absent or have this value: others are not served.
  void require(const char* key, const nlohmann::json& value);
  void fail(const std::string& message);

  const Status& status() const { return status_; }

private:
  const nlohmann::json* find(const char* key) const;

  std::string component_;
  const nlohmann::json& json_;
  Status status_;
};

} // namespace burin::names
