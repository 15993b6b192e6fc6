// SPDX-License-Identifier: Apache-2.0
// Shared flags and output of the subcommands.
#include "tools/burin/cli.h"

#include <array>
#include <cmath>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "models/pipeline/device.h"

namespace burin::cli {

void addDeviceOption(CLI::App* command, std::string& device) {
  command
      ->add_option("--device", device,
                   "Where to compute: " + std::string(kDeviceNames))
      ->capture_default_str();
}

void addPrecisionOption(CLI::App* command, std::string& precision) {
  command
      ->add_option("--precision", precision,
                   "Of the computation: f32, bf16 (faster on cards and on "
                   "processors with bf16 dot products), f16 (cards)")
      ->check(CLI::IsMember({"f32", "bf16", "f16"}))
      ->capture_default_str();
}

void addThreadsOption(CLI::App* command, int& threads) {
  command
      ->add_option("--threads", threads,
                   "Threads to compute with; 0 takes every processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

void addJsonOption(CLI::App* command, bool& json) {
  command->add_flag("--json", json, "Print JSON instead of text");
}

Status print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      std::fflush(stdout) != 0)
    return unavailable("cannot write to standard output; is the disk full or "
                       "the reader gone?");
  return okStatus();
}

Status printJson(const nlohmann::json& value) {
  return print(
      value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
      "\n");
}

namespace {
std::string formatted(const char* format, double value, const char* unit) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), format, value, unit);
  return text.data();
}
} // namespace

namespace {
// Three digits and a prefix; whole numbers below 1000.
std::string scaled(double value, const char* space) {
  constexpr std::array<const char*, 6> kPrefixes = {"",  "k", "M",
                                                    "G", "T", "P"};
  size_t prefix = 0;
  while (value >= 999.5 && prefix + 1 < kPrefixes.size()) {
    value /= 1000;
    ++prefix;
  }
  bool whole = prefix == 0 || value >= 99.5;
  return formatted(whole ? "%.0f%s" : "%.3g%s", value, space) +
         kPrefixes[prefix];
}
} // namespace

std::string formatBytes(double bytes) {
  return scaled(bytes, " ") + "B";
}

std::string formatCount(double count) {
  std::string text = scaled(count, " ");
  if (text.back() == ' ')
    text.pop_back();
  return text;
}

std::string formatFlops(double flops) {
  return scaled(flops, " ") + "FLOP";
}

std::string formatSeconds(double seconds) {
  if (seconds < 999.5e-6)
    return formatted("%.3g %s", seconds * 1e6, "us");
  if (seconds < 0.9995)
    return formatted("%.3g %s", seconds * 1e3, "ms");
  if (seconds < 99.5)
    return formatted("%.3g %s", seconds, "s");
  auto whole = static_cast<long long>(std::llround(seconds));
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%lld min %02lld s", whole / 60,
                whole % 60);
  return text.data();
}

} // namespace burin::cli
