// SPDX-License-Identifier: Apache-2.0
// Which tile a contraction is cut into on sm_90a.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cuda/contract/geometry.h"

namespace burin::kernels::cuda {

// The parameters of Tile in contract_sm90.cuh, and what a launch costs in
// microseconds: `fixed`, then for each wave of tiles `step` a K step and `tail`
// for the epilogue, or what memory needs if that is more.
struct ContractTile {
  int bm, bn, consumers, cm, cn, ck;
  bool pingPong;
  int resident; // CTAs of a multiprocessor
  double fixed, step, tail;

  std::string name() const;
  int cluster() const { return cm * cn * ck; }
  int threads() const { return (consumers + 1) * 128; }
  int stages() const;
  // Memory of its own for the partial sums of a split, where stages enough
  // remain.
  int apartBytes() const;
  int sharedBytes() const;
  // Clusters that run at once on an H100.
  int active() const;
};

std::span<const ContractTile> contractTileTable();
const ContractTile* findContractTile(std::string_view name);

// Whether `tile` can compute it: K steps for every part of a split, no split
// of gates, tiles that share weights in one phase.
Status tileFits(const ContractTile& tile, const ContractGeometry& g);

// Clusters of tiles that cover the product.
int64_t tileWorks(const ContractTile& tile, const ContractGeometry& g);
double tileMicroseconds(const ContractTile& tile, const ContractGeometry& g);

struct TileChoice {
  const ContractTile* tile;
  bool pixelsFirst;
};

// A measured winner. A line of the table is
//   batch height width channels kernelHeight kernelWidth stride phases gates
//   outputs tile pixelsFirst
// as in ContractGeometry; '#' begins a comment.
struct TunedTile {
  ContractGeometry geometry; // other members are 0
  TileChoice choice;
};
Result<std::vector<TunedTile>> parseTunedTiles(std::string_view text);

// Whether one line of the table serves both.
bool tunedAlike(const ContractGeometry& a, const ContractGeometry& b);
// The table with `winners` in the places of their geometries, or at its end.
std::vector<TunedTile> mergeTunedTiles(std::vector<TunedTile> table,
                                       std::span<const TunedTile> winners);
// The text that parseTunedTiles reads, and a line of it.
std::string tunedTileText(const TunedTile& tile);
std::string tunedTilesText(std::span<const TunedTile> table);

// The winner of `tuned`, else the fastest by the cost model.
TileChoice selectTile(const ContractGeometry& g,
                      std::span<const TunedTile> tuned);

} // namespace burin::kernels::cuda
