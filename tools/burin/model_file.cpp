// SPDX-License-Identifier: Apache-2.0
// Looks for the default model.
#include "tools/burin/model_file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace burin::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVariable = "BURIN_MODEL";

// The first checkpoint of a folder by name; empty when there is none.
fs::path firstModel(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> models;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == ".burin")
      models.push_back(entry->path());
  auto first = std::ranges::min_element(models);
  return first == models.end() ? fs::path() : *first;
}

} // namespace

Result<std::string> findModel(const std::string& given) {
  if (!given.empty())
    return given;
  if (const char* variable = std::getenv(kVariable); variable && *variable)
    return std::string(variable);

  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> places = {folder / "../share/burin"};
  // The command lies in <source>/<build>/bin.
  for (fs::path up = folder; up.has_relative_path(); up = up.parent_path())
    places.push_back(up / "models/pretrained");
  for (const fs::path& place : places)
    if (fs::path model = firstModel(place); !model.empty())
      return model.lexically_normal().string();
  return notFound(std::string("there is no model: --model is not given, $") +
                  kVariable + " is not set, and there is no .burin file in " +
                  places.front().lexically_normal().string() +
                  " or in models/pretrained of the source tree; 'burin "
                  "convert' makes one from a public model");
}

} // namespace burin::cli
