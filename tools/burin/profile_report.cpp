// SPDX-License-Identifier: Apache-2.0
// Profile tables as text and JSON.
#include "tools/burin/profile_report.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "tools/burin/cli.h"

namespace burin::cli {
namespace {

std::string table(const char* title, const std::vector<ProfileRow>& rows,
                  size_t limit) {
  double total = 0;
  for (const ProfileRow& row : rows)
    total += row.seconds;
  std::array<char, 256> line;
  std::snprintf(line.data(), line.size(), "\n%10s %6s %6s %9s %8s  %s\n",
                "time", "share", "steps", "GFLOP/s", "GB/s", title);
  std::string text = line.data();
  for (size_t i = 0; i < std::min(limit, rows.size()); ++i) {
    const ProfileRow& row = rows[i];
    double seconds = row.seconds > 0 ? row.seconds : 1;
    std::snprintf(line.data(), line.size(), "%10s %5.1f%% %6zu %9.1f %8.2f  ",
                  formatSeconds(row.seconds).c_str(),
                  total > 0 ? 100 * row.seconds / total : 0, row.steps,
                  static_cast<double>(row.flops) / seconds * 1e-9,
                  static_cast<double>(row.bytes) / seconds * 1e-9);
    text += line.data() + row.key + "\n";
  }
  if (rows.size() > limit)
    text +=
        "           ... and " + std::to_string(rows.size() - limit) + " more\n";
  return text;
}

nlohmann::json rowsJson(const std::vector<ProfileRow>& rows) {
  auto result = nlohmann::json::array();
  for (const ProfileRow& row : rows)
    result.push_back({{"name", row.key},
                      {"steps", row.steps},
                      {"seconds", row.seconds},
                      {"flops", row.flops},
                      {"bytes", row.bytes}});
  return result;
}

} // namespace

std::string profileText(std::span<const StepInfo> steps,
                        std::span<const double> seconds) {
  constexpr size_t kKernels = 20, kLayers = 25;
  return table("class", profileByClass(steps, seconds), kKernels) +
         table("kernel", profileByKernel(steps, seconds), kKernels) +
         table("layer", profileByLocation(steps, seconds), kLayers);
}

nlohmann::json profileJson(std::span<const StepInfo> steps,
                           std::span<const double> seconds) {
  return {{"classes", rowsJson(profileByClass(steps, seconds))},
          {"kernels", rowsJson(profileByKernel(steps, seconds))},
          {"layers", rowsJson(profileByLocation(steps, seconds))}};
}

} // namespace burin::cli
