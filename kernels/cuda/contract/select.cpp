// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/contract/select.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace burin::kernels::cuda {
namespace {

constexpr int kSharedLimit = 232448; // bytes of one block on sm_90
constexpr int kSharedHalf = 115712;  // of each of two
constexpr int kMaxStages = 8;
constexpr int kFewStages = 4;

// Costs are fits of programmatic launches on an H100, before epilogues read
// ahead: to 63 measured times (mean error 4 %). By them every winner of
// tuned_h100.txt lies within 1.35 of the model's own choice.
constexpr ContractTile kTiles[] = {
    // bm, bn, consumers, cm, cn, ck, ping-pong, resident, fixed, step,
    // tail
    {192, 160, 3, 1, 1, 1, false, 1, 3.0, 0.64, 0.9},
    {192, 128, 3, 1, 1, 1, false, 1, 1.9, 0.55, 0.9},
    {128, 128, 2, 1, 1, 1, false, 1, 1.4, 0.362, 1.2},
    {128, 160, 2, 1, 1, 1, false, 1, 2.5, 0.47, 1.5},
    {256, 128, 2, 1, 1, 1, false, 1, 2.8, 0.68, 1.7},
    {128, 256, 2, 1, 1, 1, false, 1, 2.8, 0.68, 1.7},
    {64, 160, 1, 1, 1, 1, false, 1, 1.9, 0.275, 1.2},
    {64, 96, 1, 1, 1, 1, false, 1, 1.8, 0.24, 0.8},
    {64, 256, 1, 1, 1, 1, false, 1, 2.2, 0.35, 1.5},
    {64, 64, 1, 1, 1, 1, false, 1, 1.8, 0.23, 0.8},
    {192, 32, 3, 1, 1, 1, false, 1, 1.8, 0.24, 0.8},
    {128, 160, 2, 1, 1, 1, true, 1, 2.6, 0.47, 1.7},
    {128, 128, 2, 1, 1, 1, true, 1, 2.5, 0.39, 1.6},
    {64, 160, 3, 1, 1, 1, true, 1, 2.4, 0.27, 1.4},
    {192, 160, 3, 1, 1, 2, false, 1, 3.2, 0.635, 2.0},
    {256, 128, 2, 1, 1, 4, false, 1, 6.0, 0.70, 2.0},
    {256, 96, 2, 1, 1, 8, false, 1, 6.3, 0.60, 2.0},
    {192, 96, 3, 1, 1, 8, false, 1, 5.9, 0.51, 2.0},
    {192, 64, 3, 1, 1, 5, false, 1, 4.7, 0.355, 1.5},
    {128, 160, 2, 1, 1, 2, false, 1, 4.6, 0.48, 2.0},
    {128, 160, 2, 1, 1, 3, false, 1, 5.0, 0.375, 1.6},
    {128, 96, 2, 1, 1, 4, false, 1, 3.7, 0.38, 1.5},
    {64, 160, 1, 1, 1, 2, false, 1, 4.0, 0.30, 1.4},
    {64, 160, 1, 1, 1, 4, false, 1, 4.6, 0.298, 1.4},
    {64, 128, 1, 1, 1, 3, false, 1, 4.1, 0.27, 1.2},
    {64, 96, 1, 1, 1, 2, false, 1, 3.1, 0.30, 1.0},
    {64, 96, 1, 1, 1, 8, false, 1, 3.3, 0.45, 1.0},
    {64, 64, 1, 1, 1, 2, false, 1, 3.2, 0.25, 0.6},
    {128, 128, 2, 2, 1, 2, false, 1, 3.4, 0.383, 1.6},
    // Not among the fits: its neighbour's costs, and what sharing takes.
    {192, 160, 3, 1, 2, 1, false, 1, 3.3, 0.64, 0.9},
    // Nor these: costs of their neighbours, before they were measured.
    {128, 64, 2, 1, 1, 1, false, 1, 1.6, 0.25, 0.8},
    {128, 64, 2, 1, 1, 1, false, 2, 1.6, 0.30, 0.8},
    {128, 96, 3, 1, 1, 1, true, 1, 2.5, 0.30, 1.6},
    {128, 192, 2, 1, 1, 1, false, 1, 2.6, 0.52, 1.5},
};

// Clusters of a size (index) that fit at once: GPCs of an H100 have 16 or 18
// multiprocessors, and a cluster lies in one.
constexpr int kActive[] = {0, kMultiprocessors, 66, 39, 30, 22, 17, 15, 15};

// What value * gelu(gate) adds to a tile for each value. It keeps the units
// busy that a tile of other consumers would need, so nothing hides it.
constexpr double kGateMicroseconds = 0.16e-3;

// What memory moves at best, operands being cold.
constexpr double kBytesPerMicrosecond = 2.5e6;
// The part of sums or of memory, whichever is the shorter, that the longer does
// not cover: the first loads, and the stores of the last tiles.
constexpr double kUncovered = 0.1;

int stageBytes(const ContractTile& t) {
  return (t.bm + t.bn) * 128;
}
// Slack of alignment and the barriers of turns.
constexpr int kSharedSlack = 1024 + 32;

int sharedLimit(const ContractTile& t) {
  return t.resident == 1 ? kSharedLimit : kSharedHalf;
}
// Each stage has two barriers of 8 bytes.
int stagesWithin(int bytes, const ContractTile& t) {
  return (bytes - kSharedSlack) / (stageBytes(t) + 16);
}

int64_t divideUp(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

int64_t pixelTiles(const ContractTile& t, const ContractGeometry& g) {
  const PixelBox box = pixelBox(g, t.bm);
  return divideUp(g.batch, box.n) * divideUp(g.height, box.h) *
         divideUp(g.width, box.w);
}

// Input, weights and outputs of 16 bits, each moved once: whatever is read
// again comes from the second-level cache.
double movedBytes(const ContractGeometry& g) {
  const double pixels = static_cast<double>(g.batch * g.height * g.width);
  const double scale = static_cast<double>(g.stride) / g.upsample;
  const double weights = static_cast<double>(g.packedRows()) *
                         static_cast<double>(g.packedColumns());
  return 2 *
         (pixels * scale * scale * g.channels + pixels * g.shortcutChannels +
          weights + pixels * g.phases * g.outputs);
}

// The time of all tiles of the busiest cluster. Where consumers take turns, the
// tail of one's tile hides behind the products of the others' as far as these
// last, and only that of the last tile is seen.
double sumMicroseconds(const ContractTile& tile, const ContractGeometry& g) {
  const auto waves =
      static_cast<double>(divideUp(tileWorks(tile, g), tile.active()));
  const double products =
      static_cast<double>(divideUp(g.steps(), tile.ck)) * tile.step;
  const int values = tile.bm * (tile.bn / 2);
  const double gates = g.gates == 2 ? kGateMicroseconds * values : 0;
  if (!tile.pingPong)
    return waves * (products + tile.tail + gates);
  const double turn =
      std::max(products, (products + tile.tail) / tile.consumers);
  return waves * (turn + gates) + tile.tail;
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  line = line.substr(0, line.find('#'));
  while (true) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos)
      return found;
    line.remove_prefix(begin);
    found.push_back(line.substr(0, line.find_first_of(" \t\r")));
    line.remove_prefix(found.back().size());
  }
}

constexpr size_t kTunedNumbers = 10;
constexpr size_t kTunedWords = kTunedNumbers + 2;

Result<TunedTile> parseTuned(std::span<const std::string_view> word) {
  if (word.size() != kTunedWords)
    return dataLoss("has " + std::to_string(word.size()) +
                    " words, must have " + std::to_string(kTunedWords));
  std::array<int64_t, kTunedNumbers> n;
  for (size_t i = 0; i < kTunedNumbers; ++i) {
    const char* end = word[i].data() + word[i].size();
    const auto [at, error] = std::from_chars(word[i].data(), end, n[i]);
    if (error != std::errc() || at != end || n[i] < 1)
      return dataLoss("'" + std::string(word[i]) +
                      "' is not a positive number");
  }
  const std::string_view order = word[kTunedNumbers + 1];
  if (order != "0" && order != "1")
    return dataLoss("the order of tiles is '" + std::string(order) +
                    "', must be 0 or 1");
  const ContractTile* tile = findContractTile(word[kTunedNumbers]);
  if (!tile)
    return dataLoss("unknown tile '" + std::string(word[kTunedNumbers]) +
                    "'; contractTiles() lists them");
  ContractGeometry g{.batch = n[0],
                     .height = n[1],
                     .width = n[2],
                     .inHeight = 0,
                     .inWidth = 0,
                     .channels = n[3],
                     .outputs = n[9],
                     .gates = n[8],
                     .kernelHeight = n[4],
                     .kernelWidth = n[5],
                     .stride = n[6],
                     .padTop = 0,
                     .padLeft = 0,
                     .upsample = 1,
                     .phases = n[7]};
  BURIN_TRY(tileFits(*tile, g));
  return TunedTile{g, {tile, order == "1"}};
}

} // namespace

std::string ContractTile::name() const {
  std::string text = std::to_string(bm) + "x" + std::to_string(bn) + "c" +
                     std::to_string(consumers);
  if (cm > 1)
    text += "m" + std::to_string(cm);
  if (cn > 1)
    text += "n" + std::to_string(cn);
  if (ck > 1)
    text += "k" + std::to_string(ck);
  if (pingPong)
    text += "pp";
  return resident > 1 ? text + "r" + std::to_string(resident) : text;
}

int ContractTile::apartBytes() const {
  const int groups = bm / 64 / consumers * 2 * (bn / 32);
  const int bytes =
      ck * static_cast<int>(divideUp(groups, ck)) * consumers * 4096;
  return ck > 1 && stagesWithin(sharedLimit(*this) - bytes, *this) >= kFewStages
             ? bytes
             : 0;
}

int ContractTile::stages() const {
  const int room = sharedLimit(*this) - apartBytes();
  return std::min(kMaxStages, stagesWithin(room, *this));
}

int ContractTile::sharedBytes() const {
  return kSharedSlack + stages() * (stageBytes(*this) + 16) + apartBytes();
}

int ContractTile::active() const {
  return resident * kActive[cluster()];
}

std::span<const ContractTile> contractTileTable() {
  return kTiles;
}

const ContractTile* findContractTile(std::string_view name) {
  for (const ContractTile& tile : kTiles)
    if (tile.name() == name)
      return &tile;
  return nullptr;
}

Status tileFits(const ContractTile& tile, const ContractGeometry& g) {
  const std::string name = "tile " + tile.name();
  if (tile.ck > g.steps())
    return invalidArgument(name + " splits K over more CTAs than its " +
                           std::to_string(g.steps()) + " steps");
  if (g.gates == 2 && tile.ck > 1)
    return invalidArgument(name + " splits K, which gates do not allow");
  if (g.gates == 2 && tile.bn % 64 != 0)
    return invalidArgument(name + " has no whole groups of 32 gates");
  if (g.phases > 1 && pixelTiles(tile, g) % tile.cm != 0)
    return invalidArgument(name + " would share weights across phases");
  return okStatus();
}

int64_t tileWorks(const ContractTile& tile, const ContractGeometry& g) {
  return divideUp(g.phases * pixelTiles(tile, g), tile.cm) *
         divideUp(divideUp(g.outputs, tile.bn / g.gates), tile.cn);
}

double tileMicroseconds(const ContractTile& tile, const ContractGeometry& g) {
  const double sums = sumMicroseconds(tile, g);
  const double memory = movedBytes(g) / kBytesPerMicrosecond;
  return tile.fixed + std::max(sums, memory) +
         kUncovered * std::min(sums, memory);
}

Result<std::vector<TunedTile>> parseTunedTiles(std::string_view text) {
  std::vector<TunedTile> tiles;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::vector<std::string_view> word = words(text.substr(0, end));
    text.remove_prefix(std::min(
        text.size(), end == std::string_view::npos ? text.size() : end + 1));
    if (word.empty())
      continue;
    Result<TunedTile> tile = parseTuned(word);
    if (!tile.ok())
      return tile.status().within("tuned tiles, line " +
                                  std::to_string(number));
    tiles.push_back(*tile);
  }
  return tiles;
}

bool tunedAlike(const ContractGeometry& a, const ContractGeometry& b) {
  return a.batch == b.batch && a.height == b.height && a.width == b.width &&
         a.channels == b.channels && a.kernelHeight == b.kernelHeight &&
         a.kernelWidth == b.kernelWidth && a.stride == b.stride &&
         a.phases == b.phases && a.gates == b.gates && a.outputs == b.outputs;
}

std::vector<TunedTile> mergeTunedTiles(std::vector<TunedTile> table,
                                       std::span<const TunedTile> winners) {
  for (const TunedTile& winner : winners) {
    const auto same = [&](const TunedTile& each) {
      return tunedAlike(each.geometry, winner.geometry);
    };
    const auto at = std::find_if(table.begin(), table.end(), same);
    if (at == table.end())
      table.push_back(winner);
    else
      *at = winner;
  }
  return table;
}

std::string tunedTileText(const TunedTile& tile) {
  const auto& [g, choice] = tile;
  std::string text;
  for (const int64_t number :
       {g.batch, g.height, g.width, g.channels, g.kernelHeight, g.kernelWidth,
        g.stride, g.phases, g.gates, g.outputs})
    text += std::to_string(number) + " ";
  return text + choice.tile->name() + (choice.pixelsFirst ? " 1" : " 0");
}

std::string tunedTilesText(std::span<const TunedTile> table) {
  std::string text =
      "# Fastest tiles on an H100 SXM (programmatic launches, operands cold), "
      "by\n# ContractGeometry; a linear layer over M rows is 1 1 M. Made by\n"
      "# `burin bench --tune`.\n"
      "# batch height width channels ky kx stride phases gates outputs tile "
      "pixelsFirst\n";
  for (const TunedTile& tile : table)
    text += tunedTileText(tile) + "\n";
  return text;
}

TileChoice selectTile(const ContractGeometry& g,
                      std::span<const TunedTile> tuned) {
  for (const TunedTile& tile : tuned)
    if (tunedAlike(tile.geometry, g))
      return tile.choice;
  // Neighbouring pixels first where weights are the larger operand: they are
  // then read once.
  const bool pixelsFirst = g.packedRows() * g.steps() * kChunk >
                           g.batch * g.inHeight * g.inWidth * g.channels;
  const ContractTile* best = nullptr;
  for (const ContractTile& tile : kTiles)
    if (tileFits(tile, g).ok() &&
        (!best || tileMicroseconds(tile, g) < tileMicroseconds(*best, g)))
      best = &tile;
  return {best, pixelsFirst};
}

} // namespace burin::kernels::cuda
