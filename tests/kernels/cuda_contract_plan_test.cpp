// SPDX-License-Identifier: Apache-2.0
// Plans of contractions: limits of the card, coverage of the product, choice
// of tiles and what is refused.
#include <gtest/gtest.h>

#include <cstring>

#include "kernels/cuda/contract/plan.h"
#include "kernels/cuda/contract/select.h"
#include "tests/kernels/cuda_contract_epilogues.h"

namespace burin::kernels::cuda {
namespace {

const Target kHopper{"sm_90a", 90};

using Params = std::vector<int64_t>;

Params conv(int64_t batch, int64_t size, int64_t channels, int64_t outputs,
            int64_t stride = 1, int64_t upsample = 1) {
  const int64_t out = size * upsample / stride;
  return {batch, out,    out, size, size,     channels, 3,
          3,     stride, 1,   1,    upsample, outputs};
}
Params linear(int64_t rows, int64_t channels, int64_t outputs) {
  return {1, 1, rows, 1, rows, channels, 1, 1, 1, 0, 0, 1, outputs};
}

SliceInfo input(const Params& p, DType dtype = DType::kBF16) {
  const int64_t rows =
      p[kContractBatch] * p[kContractInHeight] * p[kContractInWidth];
  return {dtype, rows, p[kContractChannels], p[kContractChannels], 256};
}

const Params kLayers[] = {
    conv(3, 64, 8, 320),      conv(3, 64, 320, 320),
    conv(3, 64, 320, 320, 2), conv(1, 32, 640, 640, 1, 2),
    conv(3, 16, 1280, 1280),  conv(3, 8, 2560, 1280),
    conv(1, 512, 128, 128),   conv(1, 512, 256, 256, 2),
    conv(1, 64, 320, 4),      conv(2, 24, 72, 100),
    linear(12288, 320, 960),  linear(77, 768, 320),
    linear(1, 320, 1280),     linear(1 << 20, 64, 40),
};

void expectCovers(const ContractShape& s, const ContractTile& t,
                  const Params& p) {
  const int64_t rows =
      p[kContractBatch] * p[kContractOutHeight] * p[kContractOutWidth];
  std::vector<int> seen(rows);
  const int tilesM = s.phases * s.tilesN * s.tilesH * s.tilesW;
  const int groupsC = (s.tilesC + t.cn - 1) / t.cn;
  const int works = (tilesM + t.cm - 1) / t.cm * groupsC;
  for (int work = 0; work < works; ++work)
    for (int cm = 0; cm < t.cm; ++cm) {
      const TileOrigin o = t.cm == 2 ? tileOrigin<2, 1>(s, t.bn, work, cm, 0)
                                     : tileOrigin<1, 1>(s, t.bn, work, cm, 0);
      for (int row = 0; row < t.bm; ++row)
        if (const int at = tileRow(s, o, row); at >= 0)
          ++seen.at(at);
    }
  for (int count : seen)
    ASSERT_EQ(count, groupsC);
}

TEST(CudaContractPlan, StaysWithinTheCard) {
  for (const Params& p : kLayers)
    for (const ContractTile& tile : contractTileTable()) {
      const auto plan =
          planContract(p, input(p), plainEpilogue(p[kContractOutChannels]),
                       kHopper, {.tile = tile.name()});
      if (!plan.ok())
        continue;
      EXPECT_LE(plan->sharedBytes, 232448u);
      EXPECT_EQ(plan->blocks[0] % plan->cluster, 0u);
      EXPECT_LE(plan->cluster, 8u);
      ASSERT_EQ(plan->maps.size(), 2u);
      for (const MapPlan& map : plan->maps) {
        EXPECT_EQ(map.strides.size() + 1, map.extents.size());
        for (uint64_t stride : map.strides)
          EXPECT_TRUE(stride % 16 == 0 && stride < uint64_t{1} << 40);
        for (uint32_t extent : map.box)
          EXPECT_TRUE(extent >= 1 && extent <= 256);
      }
      ContractShape shape;
      ASSERT_EQ(plan->constants.size(), sizeof(shape));
      std::memcpy(&shape, plan->constants.data(), sizeof(shape));
      EXPECT_EQ(shape.boxN * shape.boxH * shape.boxW, tile.bm);
    }
}

TEST(CudaContractPlan, TilesCoverTheProductOnce) {
  for (const Params& p : kLayers)
    for (int order : {0, 1}) {
      const auto g = contractGeometry(p, false);
      ASSERT_TRUE(g.ok()) << g.status().message();
      const TileChoice choice = selectTile(*g, {});
      const auto plan = planContract(
          p, input(p), plainEpilogue(p[kContractOutChannels]), kHopper,
          {.tile = choice.tile->name(), .pixelsFirst = order});
      ASSERT_TRUE(plan.ok()) << plan.status().message();
      ContractShape shape;
      std::memcpy(&shape, plan->constants.data(), sizeof(shape));
      expectCovers(shape, *choice.tile, p);
    }
}

TEST(CudaContractPlan, MeasuredTilesWin) {
  const auto tuned = parseTunedTiles(headerText("contract/tuned_h100.txt"));
  ASSERT_TRUE(tuned.ok()) << tuned.status().message();
  EXPECT_GT(tuned->size(), 50u);
  for (const TunedTile& tile : *tuned)
    EXPECT_EQ(selectTile(tile.geometry, *tuned).tile, tile.choice.tile);
  const Params p = conv(3, 16, 1280, 1280);
  const auto plan = planContract(p, input(p), plainEpilogue(1280), kHopper);
  ASSERT_TRUE(plan.ok());
  const auto geometry = contractGeometry(p, false);
  ASSERT_TRUE(geometry.ok());
  EXPECT_EQ(plan->symbol, "contract_" +
                              selectTile(*geometry, *tuned).tile->name() +
                              "_bf16_plain_1280");
}

// The model need not find the winner, but nothing far behind it.
TEST(CudaContractPlan, CostModelComesNearMeasurements) {
  const auto tuned = parseTunedTiles(headerText("contract/tuned_h100.txt"));
  ASSERT_TRUE(tuned.ok());
  for (const TunedTile& tile : *tuned) {
    const TileChoice choice = selectTile(tile.geometry, {});
    EXPECT_LT(tileMicroseconds(*tile.choice.tile, tile.geometry),
              1.35 * tileMicroseconds(*choice.tile, tile.geometry))
        << tile.choice.tile->name() << " against " << choice.tile->name();
  }
}

TEST(CudaContractPlan, TunedTableIsReadAsWritten) {
  const auto table = parseTunedTiles(headerText("contract/tuned_h100.txt"));
  ASSERT_TRUE(table.ok()) << table.status().message();
  const auto again = parseTunedTiles(tunedTilesText(*table));
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(tunedTilesText(*again), tunedTilesText(*table));
  ASSERT_EQ(again->size(), table->size());
}

TEST(CudaContractPlan, WinnersTakeTheirPlacesInTheTable) {
  const auto table = parseTunedTiles("3 8 8 64 3 3 1 1 1 64 64x64c1 0\n"
                                     "1 1 192 64 1 1 1 1 1 64 64x64c1 0\n");
  const auto winners = parseTunedTiles("1 1 777 64 1 1 1 1 2 64 128x128c2 1\n"
                                       "3 8 8 64 3 3 1 1 1 64 64x96c1 1\n");
  ASSERT_TRUE(table.ok() && winners.ok());
  const auto merged = mergeTunedTiles(*table, *winners);
  ASSERT_EQ(merged.size(), 3u);
  EXPECT_EQ(tunedTileText(merged[0]), "3 8 8 64 3 3 1 1 1 64 64x96c1 1");
  EXPECT_EQ(tunedTileText(merged[1]), "1 1 192 64 1 1 1 1 1 64 64x64c1 0");
  EXPECT_EQ(tunedTileText(merged[2]), "1 1 777 64 1 1 1 1 2 64 128x128c2 1");
}

TEST(CudaContractPlan, ErrorsOfTheTunedTable) {
  const std::pair<const char*, const char*> lines[] = {
      {"3 64 64 320 3 3 1 1 1 320 192x160c3", "has 11 words"},
      {"3 64 x 320 3 3 1 1 1 320 192x160c3 0", "'x' is not a positive number"},
      {"3 64 0 320 3 3 1 1 1 320 192x160c3 0", "'0' is not a positive number"},
      {"3 64 64 320 3 3 1 1 1 320 7x7 0", "unknown tile '7x7'"},
      {"3 64 64 320 3 3 1 1 1 320 192x160c3 2", "order of tiles is '2'"},
      {"1 1 64 128 1 1 1 1 1 320 256x96c2k8 0", "more CTAs than its 2 steps"},
      {"1 1 64 1280 1 1 1 1 2 320 64x64c1k2 0", "which gates do not allow"},
  };
  for (const auto& [line, message] : lines) {
    const auto tiles = parseTunedTiles(std::string("# head\n\n") + line + "\n");
    ASSERT_FALSE(tiles.ok()) << line;
    EXPECT_NE(tiles.status().message().find("line 3"), std::string::npos);
    EXPECT_NE(tiles.status().message().find(message), std::string::npos)
        << tiles.status().message();
  }
}

TEST(CudaContractPlan, FallsBackWhereTheCopyEngineCannotRead) {
  const Params p = linear(4096, 320, 320);
  const auto simt = [&](const SliceInfo& slice, const Target& target) {
    const auto plan = planContract(p, slice, plainEpilogue(320), target);
    return plan.ok() && plan->symbol.starts_with("contract_simt_");
  };
  EXPECT_FALSE(simt(input(p), kHopper));
  EXPECT_TRUE(simt(input(p), {"sm_80", 80}));
  EXPECT_TRUE(simt(input(p, DType::kF32), kHopper));
  EXPECT_TRUE(simt({DType::kBF16, 4096, 320, 324, 256}, kHopper));
  EXPECT_TRUE(simt({DType::kBF16, 4096, 320, 320, 8}, kHopper));
}

// A shortcut's product joins where contract_sm90.cuh reads both inputs, by the
// tile that was measured without it.
TEST(CudaContractPlan, ShortcutsJoinWhereTheCopyEngineReads) {
  Params p = conv(3, 16, 1280, 1280);
  const auto apart = planContract(p, input(p), plainEpilogue(1280), kHopper);
  ASSERT_TRUE(apart.ok()) << apart.status().message();
  p.push_back(2560);
  const SliceInfo shortcut{DType::kBF16, 768, 2560, 2560, 256};
  const auto plan = [](const Params& params, const SliceInfo& in,
                       const SliceInfo& second,
                       const Target& target = kHopper) {
    return planContractShortcut(params, in, second,
                                plainEpilogue(params[kContractOutChannels]),
                                target);
  };
  const auto whole = plan(p, input(p), shortcut);
  ASSERT_TRUE(whole.ok()) << whole.status().message();
  EXPECT_EQ(whole->threads, apart->threads);
  EXPECT_EQ(whole->blocks, apart->blocks);
  EXPECT_EQ(whole->sharedBytes, apart->sharedBytes);
  EXPECT_NE(whole->symbol, apart->symbol);
  ASSERT_EQ(whole->maps.size(), 3u);
  EXPECT_EQ(whole->maps[2].slice, 2u);
  EXPECT_EQ(packedContractBytes(p, DType::kBF16, false, kHopper),
            1280 * (9 * 1280 + 2560) * 2);

  const auto refuses = [&](const Result<LaunchPlan>& result, Code code) {
    EXPECT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), code) << result.status().message();
  };
  refuses(plan(p, input(p), shortcut, {"sm_80", 80}), Code::kUnimplemented);
  refuses(plan(p, input(p, DType::kF32), {DType::kF32, 768, 2560, 2560, 256}),
          Code::kUnimplemented);
  refuses(plan(p, input(p), {DType::kBF16, 768, 2560, 2564, 256}),
          Code::kUnimplemented);
  refuses(plan(p, input(p), {DType::kBF16, 768, 2560, 2560, 8}),
          Code::kUnimplemented);
  for (Params narrow : {conv(3, 16, 8, 1280), conv(3, 16, 640, 4),
                        conv(3, 8, 1280, 1280, 1, 2)}) {
    narrow.push_back(2560);
    refuses(plan(narrow, input(narrow), shortcut), Code::kUnimplemented);
  }
  refuses(plan(p, input(p), {DType::kF16, 768, 2560, 2560, 256}),
          Code::kInvalidArgument);
  refuses(plan(p, input(p), {DType::kBF16, 768, 2560, 2552, 256}),
          Code::kInvalidArgument);
  refuses(planContract(p, input(p), plainEpilogue(1280), kHopper),
          Code::kInvalidArgument);
  const Params without = conv(3, 16, 1280, 1280);
  refuses(plan(without, input(without), shortcut), Code::kInvalidArgument);
  refuses(planPackContract(without, DType::kF32, 1280, 0, DType::kBF16, false,
                           kHopper, {.shortcut = true}),
          Code::kInvalidArgument);
}

TEST(CudaContractPlan, RefusesWhatItCannotCompute) {
  const auto fails = [](const Params& p, const SliceInfo& slice, bool gated,
                        const ContractOptions& options = {}) {
    const EpilogueText epilogue = gated ? gatedEpilogue(8) : plainEpilogue(8);
    return !planContract(p, slice, epilogue, kHopper, options).ok();
  };
  const Params p = linear(64, 64, 9);
  EXPECT_FALSE(fails(p, input(p), false));
  EXPECT_TRUE(fails(p, input(p), true)); // an odd number of outputs
  EXPECT_TRUE(fails(p, input(p, DType::kI32), false));
  EXPECT_TRUE(fails(p, {DType::kBF16, 64, 64, 32, 256}, false));
  EXPECT_TRUE(fails(p, input(p), false, {.tile = "7x7"}));
  EXPECT_TRUE(fails(p, input(p), false, {.tile = "64x64c1k2"}));
  EXPECT_TRUE(fails({1, 2, 3}, input(p), false));
  Params huge = p;
  huge[kContractKernelWidth] = 50;
  EXPECT_TRUE(fails(huge, input(p), false));
  EXPECT_FALSE(
      planPackContract(p, DType::kF32, 5, 5, DType::kBF16, false, kHopper)
          .ok());
}

} // namespace
} // namespace burin::kernels::cuda
