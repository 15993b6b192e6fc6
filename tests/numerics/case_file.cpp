// SPDX-License-Identifier: Apache-2.0
// Reads case tables.
#include "tests/numerics/case_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace burin::numerics {

static std::string replaced(std::string text, std::string_view what,
                            std::string_view by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos;
       at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

static std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');)
    if (part != "-")
      parts.push_back(part);
  return parts;
}

static Status readTable(const std::filesystem::path& path,
                        std::span<const std::string_view> types,
                        std::vector<Case>& cases) {
  std::ifstream file(path);
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#')
      continue;
    std::istringstream stream(line);
    Case row;
    std::string operands;
    row.op = path.stem();
    stream >> row.name >> operands >> row.tolerance >> std::ws;
    std::getline(stream, row.assembly);
    if (row.assembly.empty())
      return dataLoss(path.string() + ":" + std::to_string(number) +
                      ": a row needs four columns");
    row.operands = split(operands);
    if (row.assembly.find("$T") == std::string::npos) {
      row.assembly = replaced(row.assembly, "$NAME", row.name);
      cases.push_back(row);
      continue;
    }
    for (std::string_view type : types) {
      Case typed = row;
      typed.name += "_" + std::string(type);
      typed.assembly =
          replaced(replaced(row.assembly, "$T", type), "$NAME", typed.name);
      cases.push_back(typed);
    }
  }
  return okStatus();
}

Result<std::vector<Case>> readCases(const std::string& folder,
                                    std::span<const std::string_view> types) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".txt")
      paths.push_back(entry.path());
  if (paths.empty())
    return notFound("no case tables in " + folder);
  std::sort(paths.begin(), paths.end());
  std::vector<Case> cases;
  for (const auto& path : paths)
    BURIN_TRY(readTable(path, types, cases));
  return cases;
}

} // namespace burin::numerics
