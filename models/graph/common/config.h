// SPDX-License-Identifier: Apache-2.0
// Reads a JSON object of settings so that no key is ignored in silence:
// what is not read, required or declared harmless is an error.
#pragma once

#include "runtime/base/status.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace burin::models {

// The first error is kept and everything after it answers with its fallback,
// so that a reader is a plain list of fields ended by finish().
class Config {
public:
  // `label` names the object in messages: "unet.config". `json` outlives this.
  Config(std::string label, const nlohmann::json& json);

  // The value of `key`; `fallback` where the key is absent. A null is a value
  // of the wrong type: where it has a meaning of its own, ask has() first.
  int64_t integer(std::string_view key, int64_t fallback);
  double number(std::string_view key, double fallback);
  bool boolean(std::string_view key, bool fallback);
  std::string text(std::string_view key, std::string_view fallback);
  // As integer, and at least 1.
  int64_t positive(std::string_view key, int64_t fallback);
  std::vector<int64_t> positives(std::string_view key,
                                 std::vector<int64_t> fallback);
  std::vector<std::string> texts(std::string_view key,
                                 std::vector<std::string> fallback);
  // One positive integer for all `count` entries, or a list of that many.
  std::vector<int64_t> perLevel(std::string_view key, size_t count,
                                int64_t fallback);

  // The keys may only be absent or `only` (of a list: every element); null
  // is as good as false.
  void require(std::initializer_list<std::string_view> keys,
               const nlohmann::json& only);
  // The keys do not change what the network computes.
  void ignore(std::initializer_list<std::string_view> keys);

  // True where the key is present and not null.
  bool has(std::string_view key) const;
  // Records that `key` has `value` while only `supported` is.
  void unsupported(std::string_view key, const std::string& supported);
  // Records `message` about `key`.
  void reject(std::string_view key, const std::string& message);
  // The first error, or an error for a key that nobody asked about.
  Status finish();

private:
  const nlohmann::json* lookUp(std::string_view key) const;
  const nlohmann::json* find(std::string_view key); // and marks it as known

  std::string label_;
  const nlohmann::json& json_;
  std::set<std::string, std::less<>> known_;
  Status status_;
};

} // namespace burin::models
