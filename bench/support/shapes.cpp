// SPDX-License-Identifier: Apache-2.0
// See shapes.h.
#include "bench/support/shapes.h"

#include <fstream>
#include <map>
#include <sstream>

namespace burin::bench {
namespace {

const std::map<std::string, size_t>& sizeCounts() {
  static const std::map<std::string, size_t> counts = {
      {"conv", 9}, {"linear", 3}, {"attention", 6}, {"group_affine", 4}};
  return counts;
}

Result<ShapeRow> parseRow(const std::string& line) {
  std::istringstream in(line);
  ShapeRow row;
  if (!(in >> row.count >> row.kind) || row.count < 1)
    return invalidArgument("'" + line + "' does not begin with count and kind");
  const auto kind = sizeCounts().find(row.kind);
  if (kind == sizeCounts().end())
    return invalidArgument("'" + row.kind + "' is no known kind of work");
  for (int64_t size; in >> size;)
    row.sizes.push_back(size);
  if (row.sizes.size() != kind->second || !in.eof())
    return invalidArgument("'" + line + "' needs " +
                           std::to_string(kind->second) + " whole numbers");
  return row;
}

} // namespace

std::string ShapeRow::name() const {
  std::string text = kind;
  for (const int64_t size : sizes)
    text += "/" + std::to_string(size);
  return text;
}

double ShapeRow::flops() const {
  double product = 2;
  if (kind == "conv") {
    const int64_t up = sizes[8], stride = sizes[6];
    product *= static_cast<double>(sizes[0] * sizes[3] * sizes[4]);
    product *= static_cast<double>((sizes[1] * up + stride - 1) / stride);
    product *= static_cast<double>((sizes[2] * up + stride - 1) / stride);
    return product * static_cast<double>(sizes[5] * sizes[5]);
  }
  if (kind == "linear")
    return product * static_cast<double>(sizes[0] * sizes[1] * sizes[2]);
  if (kind == "attention")
    return product * (sizes[5] ? 1 : 2) *
           static_cast<double>(sizes[0] * sizes[1] * sizes[2]) *
           static_cast<double>(sizes[3] * sizes[4]);
  return 0;
}

Result<std::vector<ShapeRow>> readShapes(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    return notFound("cannot read the shapes file '" + path + "'");
  std::vector<ShapeRow> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#')
      continue;
    auto row = parseRow(line);
    if (!row.ok())
      return row.status().within(path);
    rows.push_back(*std::move(row));
  }
  return rows;
}

} // namespace burin::bench
