// SPDX-License-Identifier: Apache-2.0
// The index arithmetic of CUDA contractions, without a GPU: packing, tensor
// maps, tiles and accumulators are emulated from the plans and held to plain
// loops. Values are small integers, so that sums are exact.
#include <gtest/gtest.h>

#include <cstring>

#include "kernels/cuda/contract/plan.h"
#include "kernels/cuda/contract/select.h"
#include "tests/kernels/cuda_boxes.h"
#include "tests/kernels/cuda_contract_epilogues.h"

namespace burin::kernels::cuda {
namespace {

const Target kHopper{"sm_90a", 90};

struct Case {
  const char* name;
  std::vector<int64_t> params; // ContractParam, or ContractShortcutParam
  bool gated = false;
  int64_t slack = 0; // pitch beyond the channels

  int64_t at(int i) const { return params[i]; }
  int64_t pitch() const { return at(kContractChannels) + slack; }
  int64_t inRows() const {
    return at(kContractBatch) * at(kContractInHeight) * at(kContractInWidth);
  }
  int64_t outRows() const {
    return at(kContractBatch) * at(kContractOutHeight) * at(kContractOutWidth);
  }
  int64_t taps() const {
    return at(kContractKernelHeight) * at(kContractKernelWidth);
  }
  SliceInfo input(DType dtype) const {
    return {dtype, inRows(), at(kContractChannels), pitch(), 256};
  }
  int64_t shortcutChannels() const {
    return params.size() > kContractParamCount ? at(kContractShortcutChannels)
                                               : 0;
  }
  int64_t shortcutPitch() const { return shortcutChannels() + slack; }
  SliceInfo shortcut() const {
    return {DType::kBF16, outRows(), shortcutChannels(), shortcutPitch(), 256};
  }
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

int small(uint32_t& state) {
  state = state * 1664525u + 1013904223u;
  return static_cast<int>(state >> 24) % 5 - 2;
}

struct Data {
  std::vector<float> input, weights; // [row][pitch]; [n][c][tap]
  std::vector<float> shortcut, projection;

  explicit Data(const Case& c)
      : input(c.inRows() * c.pitch()),
        weights(c.at(kContractOutChannels) * c.at(kContractChannels) *
                c.taps()),
        shortcut(c.outRows() * c.shortcutPitch()),
        projection(c.at(kContractOutChannels) * c.shortcutChannels()) {
    uint32_t state = 7;
    for (auto* values : {&input, &weights, &shortcut, &projection})
      for (float& x : *values)
        x = static_cast<float>(small(state));
  }
};

float inputAt(const Case& c, const Data& d, int64_t n, int64_t y, int64_t x,
              int64_t channel) {
  const int64_t f = c.at(kContractUpsample);
  if (y < 0 || x < 0 || y >= c.at(kContractInHeight) * f ||
      x >= c.at(kContractInWidth) * f)
    return 0;
  const int64_t row =
      (n * c.at(kContractInHeight) + y / f) * c.at(kContractInWidth) + x / f;
  return d.input[row * c.pitch() + channel];
}

// [row][output channel], as contracts.h defines it.
std::vector<float> reference(const Case& c, const Data& d) {
  const int64_t outputs = c.at(kContractOutChannels);
  const int64_t channels = c.at(kContractChannels);
  const int64_t kw = c.at(kContractKernelWidth), stride = c.at(kContractStride);
  std::vector<float> result(c.outRows() * outputs);
  for (int64_t row = 0; row < c.outRows(); ++row) {
    const int64_t ox = row % c.at(kContractOutWidth);
    const int64_t oy = row / c.at(kContractOutWidth) % c.at(kContractOutHeight);
    const int64_t n = row / c.at(kContractOutWidth) / c.at(kContractOutHeight);
    for (int64_t tap = 0; tap < c.taps(); ++tap)
      for (int64_t k = 0; k < channels; ++k) {
        const float x =
            inputAt(c, d, n, oy * stride - c.at(kContractPadTop) + tap / kw,
                    ox * stride - c.at(kContractPadLeft) + tap % kw, k);
        for (int64_t o = 0; o < outputs; ++o)
          result[row * outputs + o] +=
              x * d.weights[(o * channels + k) * c.taps() + tap];
      }
    for (int64_t k = 0; k < c.shortcutChannels(); ++k)
      for (int64_t o = 0; o < outputs; ++o)
        result[row * outputs + o] += d.shortcut[row * c.shortcutPitch() + k] *
                                     d.projection[o * c.shortcutChannels() + k];
  }
  return result;
}

template <typename Shape>
Shape constantsOf(const LaunchPlan& plan) {
  Shape shape;
  EXPECT_EQ(plan.constants.size(), sizeof(shape));
  std::memcpy(&shape, plan.constants.data(), sizeof(shape));
  return shape;
}

// The taps of an output and a channel of a weight whose rows touch.
std::vector<float> tapsOf(const PackShape& s, const float* weights, int output,
                          int channel) {
  std::vector<float> taps(s.taps);
  for (int tap = 0; tap < s.taps; ++tap)
    taps[tap] = weights[weightElement(s, 0, output, channel, tap)];
  return taps;
}

// One block of pack.cuh. Counts how often an element is written.
void packBlock(const PackShape& s, int x, int y, const float* weights,
               std::vector<float>& packed, std::vector<int>& writes) {
  const int padded = s.firstPadded + x;
  const int gate = padded / s.paddedOutputs;
  const int output = padded % s.paddedOutputs;
  const int chunk = y * s.chunksPerBlock;
  const int width = std::min(s.chunksPerBlock, s.chunks - chunk) * kChunk;
  EXPECT_TRUE(width * s.taps <= kPackElements);
  const int phaseTaps = s.phases == 1 ? s.taps : 4;
  for (int i = 0; i < s.phases * phaseTaps * width; ++i) {
    const int c = i % width, tap = i / width % phaseTaps;
    const int phase = i / width / phaseTaps, channel = chunk * kChunk + c;
    const int64_t row =
        (phase * s.gates + gate) * s.paddedOutputs + packedRow(output);
    const int64_t to =
        row * s.columns + s.firstColumn + (tap * s.chunks + chunk) * kChunk + c;
    const int64_t source = gate * s.outputs + output - s.firstRow;
    ++writes[to];
    if (output < s.outputs && channel < s.channels)
      packed[to] = packedWeight(tapsOf(s, weights, source, channel).data(),
                                s.phases, phase, tap);
  }
}

// All blocks of a packing.
void packPart(const LaunchPlan& plan, const float* weights,
              std::vector<float>& packed, std::vector<int>& writes) {
  const auto shape = constantsOf<PackShape>(plan);
  for (uint32_t y = 0; y < plan.blocks[1]; ++y)
    for (uint32_t x = 0; x < plan.blocks[0]; ++x)
      packBlock(shape, x, y, weights, packed, writes);
}

// Rows [first, first + rows) of the weights as [channel][row][tap], taps in
// reverse.
std::vector<float> transposedPart(const Case& c, const Data& d, int64_t first,
                                  int64_t rows) {
  const int64_t channels = c.at(kContractChannels), taps = c.taps();
  std::vector<float> part(rows * channels * taps);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t channel = 0; channel < channels; ++channel)
      for (int64_t tap = 0; tap < taps; ++tap)
        part[(channel * rows + row) * taps + taps - 1 - tap] =
            d.weights[((first + row) * channels + channel) * taps + tap];
  return part;
}

// The weight in two parts, as stacked weights are, the second transposed; then
// that of the shortcut.
std::vector<float> pack(const Case& c, const Data& d) {
  const int64_t outputs = c.at(kContractOutChannels), part = outputs / 3;
  const int64_t bytes =
      packedContractBytes(c.params, DType::kBF16, c.gated, kHopper);
  std::vector<float> packed(bytes / 2, 0.f);
  std::vector<int> writes(packed.size());
  for (const auto& [first, rows] :
       {std::pair{int64_t{0}, part}, std::pair{part, outputs - part}}) {
    const bool transposed = first > 0;
    const auto plan =
        planPackContract(c.params, DType::kF32, rows, first, DType::kBF16,
                         c.gated, kHopper, {.transposed = transposed});
    EXPECT_TRUE(plan.ok()) << plan.status().message();
    const auto other = transposedPart(c, d, first, rows);
    packPart(*plan, transposed ? other.data() : d.weights.data(), packed,
             writes);
  }
  if (c.shortcutChannels() > 0) {
    const auto plan =
        planPackContract(c.params, DType::kF32, outputs, 0, DType::kBF16,
                         c.gated, kHopper, {.shortcut = true});
    EXPECT_TRUE(plan.ok()) << plan.status().message();
    packPart(*plan, d.projection.data(), packed, writes);
  }
  for (int count : writes)
    EXPECT_EQ(count, 1);
  return packed;
}

// The kernel of contract_sm90.cuh.
class Emulation {
public:
  Emulation(const Case& c, const Data& d, const std::vector<float>& packed,
            const LaunchPlan& plan, const ContractTile& tile)
      : case_(c), data_(d), packed_(packed), plan_(plan), tile_(tile),
        shape_(constantsOf<ContractShape>(plan)), gates_(c.gated ? 2 : 1),
        outputs_(c.at(kContractOutChannels) / gates_),
        result_(c.outRows() * outputs_ * gates_), writes_(result_.size()) {
    // Weights are bytes to their map: two to an element.
    weightMap_ = plan.maps[1];
    EXPECT_EQ(weightMap_.extents[0] % 2, 0u);
    weightMap_.extents[0] /= 2;
    weightMap_.box[0] /= 2;
  }

  void run() {
    const int tilesM =
        shape_.phases * shape_.tilesN * shape_.tilesH * shape_.tilesW;
    const int works = (tilesM + tile_.cm - 1) / tile_.cm *
                      ((shape_.tilesC + tile_.cn - 1) / tile_.cn);
    const int clusters = plan_.blocks[0] / tile_.cluster();
    ASSERT_TRUE(tile_.ck == 1 || clusters == works);
    for (int first = 0; first < clusters; ++first)
      for (int work = first; work < works; work += clusters)
        for (int cm = 0; cm < tile_.cm; ++cm)
          for (int cn = 0; cn < tile_.cn; ++cn)
            tile(origin(work, cm, cn));
  }

  void expect(const std::vector<float>& wanted) {
    for (int count : writes_)
      ASSERT_EQ(count, 1) << plan_.symbol;
    ASSERT_EQ(result_, wanted) << plan_.symbol;
  }

private:
  TileOrigin origin(int work, int cm, int cn) const {
    const int channels = tile_.bn / gates_;
    switch (tile_.cm * 10 + tile_.cn) {
    case 12:
      return tileOrigin<1, 2>(shape_, channels, work, cm, cn);
    case 21:
      return tileOrigin<2, 1>(shape_, channels, work, cm, cn);
    default:
      return tileOrigin<1, 1>(shape_, channels, work, cm, cn);
    }
  }

  // The accumulators of every thread, as its epilogue sees them.
  void tile(const TileOrigin& o) {
    for (int row = 0; row < tile_.bm; ++row) {
      const int product = tileRow(shape_, o, row);
      for (int q = 0; product >= 0 && q < tile_.bn / 32 / gates_; ++q)
        for (int t = 0; t < 4; ++t)
          for (int j = 0; j < 8; ++j) {
            const int column = o.c + q * 32 + t * 8 + j;
            for (int gate = 0; gate < gates_ && column < outputs_; ++gate)
              store(o, row, product, column, gate,
                    8 * ((q + gate * tile_.bn / 64) * 4 + j / 2) + 2 * t +
                        j % 2);
          }
    }
  }

  void store(const TileOrigin& o, int row, int product, int column, int gate,
             int tileColumn) {
    const int64_t to =
        (static_cast<int64_t>(product) * gates_ + gate) * outputs_ + column;
    result_.at(to) = sum(o, row, tileColumn);
    ++writes_.at(to);
  }

  float sum(const TileOrigin& o, int row, int tileColumn) const {
    float sum = 0;
    const int steps = shape_.chunks * shape_.taps + shape_.shortcutChunks;
    for (int ck = 0; ck < tile_.ck; ++ck) {
      const int begin = steps * ck / tile_.ck;
      const int end = steps * (ck + 1) / tile_.ck;
      EXPECT_LT(begin, end);
      for (int k = begin; k < end; ++k)
        sum += step(o, row, tileColumn, k);
    }
    return sum;
  }

  float step(const TileOrigin& o, int row, int tileColumn, int k) const {
    const int tap = k / shape_.chunks, chunk = k % shape_.chunks;
    const int dy = tap / shape_.kernelWidth, dx = tap % shape_.kernelWidth;
    const int perGate = tile_.bn / gates_, gate = tileColumn / perGate;
    const bool shortcut = tap >= shape_.taps;
    std::vector<int64_t> a{chunk * kChunk, firstInputColumn(shape_, o) + dx,
                           firstInputRow(shape_, o) + dy, o.n};
    if (shortcut)
      a = {(k - shape_.taps * shape_.chunks) * kChunk, o.w, o.h, o.n};
    const MapPlan& map = plan_.maps[shortcut ? 2 : 0];
    const std::vector<float>& input = shortcut ? data_.shortcut : data_.input;
    const std::vector<int64_t> b{
        k * kChunk, (o.phase * gates_ + gate) * shape_.paddedOutputs + o.c};
    float sum = 0;
    for (int c = 0; c < kChunk; ++c)
      sum += boxElement(map, input, 2, a, row * kChunk + c) *
             boxElement(weightMap_, packed_, 2, b,
                        tileColumn % perGate * kChunk + c);
    return sum;
  }

  const Case& case_;
  const Data& data_;
  const std::vector<float>& packed_;
  const LaunchPlan& plan_;
  const ContractTile& tile_;
  ContractShape shape_;
  int gates_;
  int64_t outputs_;
  MapPlan weightMap_;
  std::vector<float> result_;
  std::vector<int> writes_;
};

// batch, out h, out w, in h, in w, channels, ky, kx, stride, top, left,
// upsample, outputs
const Case kCases[] = {
    {"conv3x3", {2, 5, 6, 5, 6, 72, 3, 3, 1, 1, 1, 1, 40}},
    {"pitched", {3, 4, 4, 4, 4, 40, 3, 3, 1, 1, 1, 1, 33}, false, 24},
    {"stride2", {2, 4, 5, 8, 10, 64, 3, 3, 2, 1, 1, 1, 36}},
    {"downsample", {1, 4, 5, 8, 10, 64, 3, 3, 2, 0, 0, 1, 36}},
    {"linear", {1, 1, 70, 1, 70, 520, 1, 1, 1, 0, 0, 1, 44}},
    {"shortcut", {2, 3, 5, 3, 5, 136, 1, 1, 1, 0, 0, 1, 70}},
    {"patches", {2, 2, 3, 4, 6, 16, 2, 2, 2, 0, 0, 1, 34}},
    {"row", {1, 2, 9, 2, 9, 24, 1, 7, 1, 0, 3, 1, 32}},
    {"upsample", {2, 6, 10, 3, 5, 72, 3, 3, 1, 1, 1, 2, 40}},
    {"gated", {1, 1, 50, 1, 50, 136, 1, 1, 1, 0, 0, 1, 88}, true},
    {"gated3x3", {2, 3, 4, 3, 4, 16, 3, 3, 1, 1, 1, 1, 140}, true},
    {"gatedUpsample", {1, 4, 6, 2, 3, 16, 3, 3, 1, 1, 1, 2, 66}, true},
    {"block", {2, 5, 6, 5, 6, 72, 3, 3, 1, 1, 1, 1, 40, 136}},
    {"pitchedBlock", {3, 4, 4, 4, 4, 40, 3, 3, 1, 1, 1, 1, 33, 24}, false, 24},
    {"strideBlock", {2, 4, 5, 8, 10, 64, 3, 3, 2, 0, 0, 1, 36, 72}},
    {"products", {2, 3, 5, 3, 5, 136, 1, 1, 1, 0, 0, 1, 70, 520}},
    {"gatedBlock", {2, 3, 4, 3, 4, 16, 3, 3, 1, 1, 1, 1, 140, 72}, true},
};

class CudaContractEmulation : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Cases, CudaContractEmulation,
                         testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(CudaContractEmulation, EveryTileMatchesPlainLoops) {
  const Case& c = GetParam();
  const Data data(c);
  const std::vector<float> packed = pack(c, data), wanted = reference(c, data);
  const int64_t outputs = c.at(kContractOutChannels);
  const EpilogueText epilogue =
      c.gated ? gatedEpilogue(outputs / 2) : plainEpilogue(outputs);
  int tried = 0;
  for (const std::string& name : contractTiles()) {
    const ContractOptions options{.tile = name, .pixelsFirst = tried % 2};
    const SliceInfo input = c.input(DType::kBF16);
    const auto plan =
        c.shortcutChannels() > 0
            ? planContractShortcut(c.params, input, c.shortcut(), epilogue,
                                   kHopper, options)
            : planContract(c.params, input, epilogue, kHopper, options);
    if (!plan.ok()) {
      EXPECT_EQ(plan.status().code(), Code::kInvalidArgument);
      continue;
    }
    ++tried;
    Emulation emulation(c, data, packed, *plan, *findContractTile(name));
    emulation.run();
    emulation.expect(wanted);
  }
  EXPECT_GE(tried, 4);
}

// The kernel of contract_simt.cuh, one sum at a time.
float simtSum(const Case& c, const Data& d, const std::vector<float>& packed,
              const SimtShape& s, const TileOrigin& o, int gates, int gate) {
  const int64_t columns =
      static_cast<int64_t>(s.shape.taps) * s.shape.chunks * kChunk;
  float sum = 0;
  for (int k = 0; k < s.shape.taps * s.channels; ++k) {
    const int tap = k / s.channels, channel = k % s.channels;
    const int y = firstInputRow(s.shape, o) + tap / s.shape.kernelWidth;
    const int x = firstInputColumn(s.shape, o) + tap % s.shape.kernelWidth;
    if (y < 0 || y >= s.inHeight * s.upsample || x < 0 ||
        x >= s.inWidth * s.upsample)
      continue;
    const int64_t pixel =
        (o.n * s.inHeight + y / s.upsample) * s.inWidth + x / s.upsample;
    const int64_t row =
        (o.phase * gates + gate) * s.shape.paddedOutputs + packedRow(o.c);
    sum += d.input.at(pixel * c.pitch() + channel) *
           packed.at(row * columns + tap * s.shape.chunks * kChunk + channel);
  }
  return sum;
}

const Case kSimtCases[] = {
    {"conv3x3", {2, 5, 6, 5, 6, 3, 3, 3, 1, 1, 1, 1, 40}, false, 2},
    {"downsample", {1, 4, 5, 8, 10, 7, 3, 3, 2, 0, 0, 1, 36}},
    {"linear", {1, 1, 150, 1, 150, 70, 1, 1, 1, 0, 0, 1, 70}},
    {"upsample", {2, 6, 10, 3, 5, 9, 3, 3, 1, 1, 1, 2, 40}},
    {"upsample3", {1, 6, 9, 2, 3, 9, 3, 3, 1, 1, 1, 3, 40}},
    {"gated", {1, 1, 50, 1, 50, 13, 1, 1, 1, 0, 0, 1, 150}, true},
};

class CudaContractSimt : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Cases, CudaContractSimt, testing::ValuesIn(kSimtCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(CudaContractSimt, MatchesPlainLoops) {
  const Case& c = GetParam();
  const Data data(c);
  const std::vector<float> packed = pack(c, data), wanted = reference(c, data);
  const int gates = c.gated ? 2 : 1;
  const int64_t outputs = c.at(kContractOutChannels);
  const int kept = static_cast<int>(outputs / gates);
  const auto plan = planContract(
      c.params, c.input(DType::kF32),
      c.gated ? gatedEpilogue(kept) : plainEpilogue(kept), kHopper);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  const auto s = constantsOf<SimtShape>(*plan);
  EXPECT_GE(plan->blocks[1] * kSimtColumns, static_cast<uint32_t>(kept));
  const int pixels = s.shape.height * s.shape.width;
  std::vector<int> writes(wanted.size());
  for (int phase = 0; phase < static_cast<int>(plan->blocks[2]); ++phase)
    for (int p = 0; p < static_cast<int>(plan->blocks[0]) * kSimtRows; ++p) {
      const int n = p / pixels, h = p % pixels / s.shape.width;
      const int w = p % s.shape.width;
      const int64_t row = productRow(s.shape, phase, n, h, w);
      for (int o = 0; n < s.shape.batch && o < outputs; ++o) {
        const TileOrigin at{phase, n, h, w, o % kept};
        ++writes.at(row * outputs + o);
        ASSERT_EQ(simtSum(c, data, packed, s, at, gates, o / kept),
                  wanted.at(row * outputs + o));
      }
    }
  for (int count : writes)
    ASSERT_EQ(count, 1);
}

} // namespace
} // namespace burin::kernels::cuda
