// SPDX-License-Identifier: Apache-2.0
// Weight gradients for GPUs: every text is compiled and keeps its sums in
// registers; tensor maps, tiles, parts and their sums are emulated from the
// plans and held to plain loops. Values are small integers, so that sums are
// exact.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/cpu/contracts.h"
#include "kernels/cuda/weight_gradient/plan.h"
#include "kernels/cuda/weight_gradient/tiles.h"
#include "kernels/cuda/weight_gradient/tiling.cuh"
#include "tests/kernels/cuda_boxes.h"
#include "tests/kernels/cuda_compile.h"

namespace burin::kernels::cuda {
namespace {

const Target kHopper{"sm_90a", 90};
const Target kAmpere{"sm_80", 80};

struct Case {
  const char* name;
  std::vector<int64_t> params;       // ContractParam
  int64_t inputSlack = 0, slack = 0; // pitch beyond the channels

  int64_t at(int i) const { return params[i]; }
  int64_t channels() const { return at(kContractChannels); }
  int64_t outputs() const { return at(kContractOutChannels); }
  int64_t inputPitch() const { return channels() + inputSlack; }
  int64_t pitch() const { return outputs() + slack; }
  int64_t inputRows() const {
    return at(kContractBatch) * at(kContractInHeight) * at(kContractInWidth);
  }
  int64_t rows() const {
    return at(kContractBatch) * at(kContractOutHeight) * at(kContractOutWidth);
  }
  int64_t taps() const {
    return at(kContractKernelHeight) * at(kContractKernelWidth);
  }
  int64_t weights() const { return outputs() * channels() * taps(); }
  std::vector<SliceInfo> slices(DType dtype) const {
    const int64_t width = at(kContractKernelWidth);
    return {{dtype, inputRows(), channels(), inputPitch(), 256},
            {dtype, rows(), outputs(), pitch(), 256},
            {DType::kF32, weights() / width, width, width, 256}};
  }
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

// Rows of small integers, with numbers between them that no sum may meet.
std::vector<float> numbers(int64_t rows, int64_t extent, int64_t pitch,
                           uint32_t state) {
  std::vector<float> values(rows * pitch, std::nanf(""));
  for (int64_t i = 0; i < rows * extent; ++i) {
    state = state * 1664525u + 1013904223u;
    values[i / extent * pitch + i % extent] =
        static_cast<float>(static_cast<int>(state >> 24) % 5 - 2);
  }
  return values;
}

struct Data {
  std::vector<float> x, dy;
  explicit Data(const Case& c)
      : x(numbers(c.inputRows(), c.channels(), c.inputPitch(), 7)),
        dy(numbers(c.rows(), c.outputs(), c.pitch(), 9)) {}
};

// The row of x that an output position meets under a tap, or -1.
int64_t meets(const Case& c, int64_t row, int64_t tap) {
  const int64_t width = c.at(kContractOutWidth),
                kw = c.at(kContractKernelWidth);
  const int64_t factor = c.at(kContractUpsample);
  const int64_t stride = c.at(kContractStride);
  const int64_t line = row / width;
  const int64_t y = line % c.at(kContractOutHeight) * stride + tap / kw -
                    c.at(kContractPadTop);
  const int64_t x = row % width * stride + tap % kw - c.at(kContractPadLeft);
  if (y < 0 || x < 0 || y >= c.at(kContractInHeight) * factor ||
      x >= c.at(kContractInWidth) * factor)
    return -1;
  const int64_t image = line / c.at(kContractOutHeight);
  return (image * c.at(kContractInHeight) + y / factor) *
             c.at(kContractInWidth) +
         x / factor;
}

// [output][channel][tap], as contracts.h defines it.
std::vector<float> reference(const Case& c, const Data& d) {
  std::vector<float> dw(c.weights());
  for (int64_t row = 0; row < c.rows(); ++row)
    for (int64_t tap = 0; tap < c.taps(); ++tap) {
      const int64_t met = meets(c, row, tap);
      for (int64_t o = 0; met >= 0 && o < c.outputs(); ++o)
        for (int64_t k = 0; k < c.channels(); ++k)
          dw[(o * c.channels() + k) * c.taps() + tap] +=
              d.dy[row * c.pitch() + o] * d.x[met * c.inputPitch() + k];
    }
  return dw;
}

template <typename Shape>
Shape constantsOf(const LaunchPlan& plan) {
  Shape shape;
  EXPECT_EQ(plan.constants.size(), sizeof(shape));
  std::memcpy(&shape, plan.constants.data(), sizeof(shape));
  return shape;
}

// The kernels of widen.cuh, weight_gradient_sm90.cuh and join.cuh.
class Emulation {
public:
  Emulation(const Case& c, const Data& d, const WeightGradientPlan& plan,
            const GradientTile& tile)
      : case_(c),
        plan_(plan), tiling_{tile.blocks(), tile.columns, tile.inputRows},
        buffers_{d.x, d.dy, {}}, result_(c.weights()), writes_(c.weights()) {
    for (int64_t bytes : plan.bufferBytes)
      buffers_.emplace_back(bytes / 2, std::nanf(""));
  }

  void run() {
    for (const WeightGradientStep& step : plan_.steps) {
      const std::string& symbol = step.launch.symbol;
      if (symbol == "widen_rows") {
        widen(step);
      } else if (symbol.starts_with("join_gradient")) {
        for (uint32_t block = 0; block < step.launch.blocks[1]; ++block)
          for (uint32_t octet = 0; octet < step.launch.blocks[0]; ++octet)
            join(step, static_cast<int>(block), static_cast<int>(octet));
      } else {
        products(step);
      }
    }
  }

  void expect(const std::vector<float>& wanted) {
    for (int count : writes_)
      ASSERT_EQ(count, 1) << plan_.steps.back().launch.symbol;
    ASSERT_EQ(result_, wanted) << plan_.steps.back().launch.symbol;
  }

private:
  void widen(const WeightGradientStep& step) {
    const auto s = constantsOf<WidenShape>(step.launch);
    const std::vector<float>& from = buffers_[step.slices[0]];
    std::vector<float>& to = buffers_[step.slices[1]];
    ASSERT_EQ(to.size(), static_cast<size_t>(s.rows) * s.vectors * 8);
    const size_t pitch = from.size() / s.rows;
    for (size_t i = 0; i < to.size(); ++i) {
      const size_t row = i / (s.vectors * 8), column = i % (s.vectors * 8);
      to[i] = column < static_cast<size_t>(s.extent)
                  ? from.at(row * pitch + column)
                  : 0;
    }
    EXPECT_GE(step.launch.blocks[0] * kWidenThreads * 8, to.size());
  }

  // A piece of 64 channels of a step: [pixel][channel].
  using Piece = std::vector<float>;
  Piece load(const WeightGradientStep& step, int index, int channel, int column,
             int row, int image) const {
    MapPlan map = step.launch.maps[index];
    const std::vector<float>& memory = buffers_[step.slices[map.slice]];
    if (map.box[0] == 2 * kPiece) { // of bytes: two to an element
      map.box[0] = kPiece;
      map.extents[0] /= 2;
      channel /= 2;
    }
    Piece piece(kPiece * kStepPixels);
    for (size_t i = 0; i < piece.size(); ++i)
      piece[i] = boxElement(map, memory, 2, {channel, column, row, image},
                            static_cast<int64_t>(i));
    return piece;
  }

  void products(const WeightGradientStep& step) {
    shape_ = constantsOf<GradientShape>(step.launch);
    joins_ = step.slices[2] != 2;
    if (joins_)
      parts_.assign(plan_.bufferBytes[step.slices[2] - 3] / 4, std::nanf(""));
    for (int turn = 0; turn < shape_.ranges; ++turn) {
      const int range = rangeInTurn(shape_, turn);
      const int64_t end = rangeBegin(shape_, range + 1);
      for (int64_t at = rangeBegin(shape_, range); at < end;) {
        const GradientUnit u = gradientUnit(shape_, tiling_, at, end);
        unitSums(step, u, slotOf(shape_, range, u.tile));
        at += u.lastStep - u.firstStep;
      }
    }
  }

  void unitSums(const WeightGradientStep& step, const GradientUnit& u,
                int slot) {
    const GradientShape& s = shape_;
    ASSERT_LT(u.firstStep, u.lastStep);
    const int boxes = (u.outputs + kPiece - 1) / kPiece;
    std::vector<std::vector<float>> sums(boxes * u.pieces,
                                         std::vector<float>(kPiece * kPiece));
    for (int k = u.firstStep; k < u.lastStep; ++k) {
      const StepBox b = stepBox(s, k);
      if (k > u.firstStep) { // the kernel counts instead
        StepBox next = stepBox(s, k - 1);
        nextBox(s, next);
        ASSERT_EQ(std::memcmp(&next, &b, sizeof(b)), 0);
      }
      for (int p = 0; p < u.pieces; ++p) {
        const InputPiece i = inputPiece(s, u.firstPiece + p);
        ASSERT_EQ(i.phase, inputPiece(s, u.firstPiece).phase);
        const Piece x =
            load(step, 1, i.channel * s.inputUnit,
                 inputColumn(s, b.w, i.phase, i.tap % s.kernelWidth),
                 inputRow(s, b.h, i.phase, i.tap / s.kernelWidth), b.n);
        for (int box = 0; box < boxes; ++box)
          multiply(load(step, 0,
                        (u.firstOutput + box * kPiece) * s.cotangentUnit,
                        cotangentColumn(s, b.w, i.phase),
                        cotangentRow(s, b.h, i.phase), b.n),
                   x, sums[box * u.pieces + p]);
      }
    }
    for (int row = 0; row < 64 * tiling_.blocks; ++row)
      for (int column = 0; column < tiling_.columns; ++column)
        keep(u, sums, slot, row, column);
  }

  static void multiply(const Piece& dy, const Piece& x,
                       std::vector<float>& sums) {
    for (int pixel = 0; pixel < kStepPixels; ++pixel)
      for (int o = 0; o < kPiece; ++o)
        for (int k = 0; k < kPiece; ++k)
          sums[o * kPiece + k] +=
              dy[pixel * kPiece + o] * x[pixel * kPiece + k];
  }

  // What the thread does that holds this sum.
  void keep(const GradientUnit& u, const std::vector<std::vector<float>>& sums,
            int slot, int row, int column) {
    const int output = tiling_.inputRows ? column : row;
    const int input = tiling_.inputRows ? row : column;
    if (output >= u.outputs || input / kPiece >= u.pieces)
      return;
    const float sum = sums[output / kPiece * u.pieces + input / kPiece]
                          [output % kPiece * kPiece + input % kPiece];
    if (joins_) {
      const int64_t at = sumsAt(tiling_, slot, row / 64, column / kOctet);
      parts_.at(4 * (at + thread(row % 64, column % kOctet)) +
                row % 16 / 8 * 2 + column % 2) = sum;
      return;
    }
    write(u.firstOutput + output, u.firstPiece * kPiece + input, 0, sum);
  }
  static int thread(int row, int column) {
    return row / 16 * 32 + row % 8 * 4 + column / 2;
  }

  void join(const WeightGradientStep& step, int block, int octet) {
    const auto s = constantsOf<GradientShape>(step.launch);
    for (int tap = 0; tap < case_.taps(); ++tap)
      for (int row = 0; row < 64; ++row)
        for (int column = 0; column < kOctet; ++column) {
          float sum = 0;
          for (int phase = 0; phase < s.phases; ++phase) {
            const SumsPlace place = sumsPlace(
                s, tiling_, block, octet, phase,
                s.phases == 1 ? tap : elementMet(phase, tap / 3, tap % 3));
            const GradientSlots slots = slotsOf(s, place.tile);
            for (int i = 0; i < slots.count; ++i)
              sum += parts_.at(4 * (sumsAt(tiling_, slots.first + i,
                                           place.block, place.octet) +
                                    thread(row, column)) +
                               row % 16 / 8 * 2 + column % 2);
          }
          const int r = block * 64 + row, c = octet * kOctet + column;
          write(tiling_.inputRows ? c : r, tiling_.inputRows ? r : c, tap, sum);
        }
  }

  void write(int64_t output, int64_t channel, int64_t tap, float sum) {
    if (output >= case_.outputs() || channel >= case_.channels())
      return;
    const int64_t to =
        (output * case_.channels() + channel) * case_.taps() + tap;
    result_.at(to) = sum;
    ++writes_.at(to);
  }

  const Case& case_;
  const WeightGradientPlan& plan_;
  GradientTiling tiling_;
  std::vector<std::vector<float>> buffers_; // of 16-bit elements
  GradientShape shape_;
  bool joins_ = false;
  std::vector<float> parts_, result_;
  std::vector<int> writes_;
};

// batch, out h, out w, in h, in w, channels, ky, kx, stride, top, left,
// upsample, outputs
const Case kCases[] = {
    {"conv3x3", {2, 5, 6, 5, 6, 72, 3, 3, 1, 1, 1, 1, 88}},
    {"pitched", {3, 4, 4, 4, 4, 33, 3, 3, 1, 1, 1, 1, 65}, 7, 15},
    {"stride2", {2, 6, 9, 12, 18, 64, 3, 3, 2, 1, 1, 1, 40}},
    {"downsample", {1, 8, 9, 16, 18, 8, 3, 3, 2, 0, 0, 1, 168}},
    {"linear", {1, 1, 270, 1, 270, 136, 1, 1, 1, 0, 0, 1, 200}},
    {"shortcut", {5, 5, 5, 5, 5, 72, 1, 1, 1, 0, 0, 1, 336}},
    {"patches", {2, 2, 3, 4, 6, 16, 2, 2, 2, 0, 0, 1, 40}},
    {"enlarged", {1, 12, 20, 6, 10, 72, 3, 3, 1, 1, 1, 2, 40}},
    {"fewOutputs", {1, 9, 9, 9, 9, 40, 3, 3, 1, 1, 1, 1, 4}},
    {"odd", {2, 5, 6, 5, 6, 3, 3, 3, 1, 1, 1, 1, 13}, 2, 4},
};

class CudaWeightGradientTiles : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Cases, CudaWeightGradientTiles,
                         ::testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST_P(CudaWeightGradientTiles, EachMatchesPlainLoops) {
  const Case& c = GetParam();
  const Data data(c);
  const std::vector<float> wanted = reference(c, data);
  int tried = 0;
  for (const std::string& name : weightGradientTiles())
    for (int64_t parts : {0, 1, 2}) {
      const auto plan = planWeightGradient(c.params, c.slices(DType::kBF16),
                                           kHopper, {name, parts});
      if (!plan.ok()) { // few steps, or taps of several phases
        EXPECT_EQ(plan.status().code(), Code::kInvalidArgument);
        continue;
      }
      ++tried;
      Emulation emulation(c, data, *plan, *findGradientTile(name));
      emulation.run();
      emulation.expect(wanted);
    }
  EXPECT_GE(tried, 10);
}

TEST(CudaWeightGradient, RangesCrossTiles) {
  const Case c{"", {8, 8, 8, 8, 8, 72, 3, 3, 1, 1, 1, 1, 72}};
  const Data data(c);
  const auto plan = planWeightGradient(c.params, c.slices(DType::kBF16),
                                       kHopper, {"64x64", 0});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  const auto shape = constantsOf<GradientShape>(plan->steps[0].launch);
  ASSERT_EQ(shape.ranges, kMultiprocessors);
  ASSERT_NE(tilesOf(shape) * shape.steps % shape.ranges, 0);
  Emulation emulation(c, data, *plan, *findGradientTile("64x64"));
  emulation.run();
  emulation.expect(reference(c, data));
}

const Case kSimtCases[] = {
    {"conv3x3", {2, 5, 6, 5, 6, 3, 3, 3, 1, 1, 1, 1, 40}, 2, 1},
    {"downsample", {1, 4, 5, 8, 10, 7, 3, 3, 2, 0, 0, 1, 70}},
    {"linear", {1, 1, 150, 1, 150, 70, 1, 1, 1, 0, 0, 1, 9}},
    {"upsample", {2, 6, 10, 3, 5, 9, 3, 3, 1, 1, 1, 2, 20}},
    {"upsample3", {1, 5, 7, 3, 4, 5, 3, 3, 2, 2, 0, 3, 7}},
};

class CudaWeightGradientSimt : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Cases, CudaWeightGradientSimt,
                         ::testing::ValuesIn(kSimtCases),
                         [](const auto& info) { return info.param.name; });

// The kernel of weight_gradient_simt.cuh, one sum at a time.
TEST_P(CudaWeightGradientSimt, MatchesPlainLoops) {
  const Case& c = GetParam();
  const Data d(c);
  for (int64_t parts : {1, 3}) {
    const auto plan = planWeightGradient(c.params, c.slices(DType::kF32),
                                         kAmpere, {"", parts});
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    const LaunchPlan& products = plan->steps[0].launch;
    const auto s = constantsOf<SimtGradientShape>(products);
    const auto& blocks = products.blocks;
    ASSERT_EQ(blocks[2], static_cast<uint32_t>(parts));
    ASSERT_EQ(plan->steps.size(), parts > 1 ? 2u : 1u);
    if (parts > 1) {
      ASSERT_EQ(plan->bufferBytes[0], parts * c.weights() * 4);
    }
    std::vector<float> result(c.weights());
    std::vector<int> writes(parts * c.weights());
    for (int n = 0; n < static_cast<int>(blocks[0]) * kSimtGradientTile; ++n)
      for (int part = 0; part < parts; ++part)
        for (int o = 0; o < s.outputs; ++o) {
          const SimtColumn column = simtColumn(s, n);
          if (column.ky < 0)
            continue;
          float sum = 0;
          for (int pixel = simtPartBegin(s, part);
               pixel < simtPartBegin(s, part + 1); ++pixel) {
            const int met = simtMeets(s, simtPixel(s, pixel), column);
            if (met >= 0)
              sum += d.dy.at(pixel * c.pitch() + o) *
                     d.x.at(met * c.inputPitch() + column.channel);
          }
          const int64_t to =
              simtWeight(s, part * s.outputs + o, column, s.kernelWidth);
          ++writes.at(to);
          result.at(to % c.weights()) += sum;
        }
    EXPECT_GE(blocks[1] * kSimtGradientTile, static_cast<uint32_t>(s.outputs));
    for (int count : writes)
      ASSERT_EQ(count, 1);
    ASSERT_EQ(result, reference(c, d));
  }
}

TEST(CudaWeightGradientPlan, ServesWhatTheCopyEngineDoesNot) {
  const std::vector<int64_t> p{1, 8, 8, 8, 8, 16, 3, 3, 1, 1, 1, 1, 16};
  const auto symbol = [&](DType dtype, int64_t pitch, const Target& target) {
    const std::vector<SliceInfo> slices{{dtype, 64, 16, pitch, 256},
                                        {dtype, 64, 16, 16, 256},
                                        {DType::kF32, 768, 3, 3, 256}};
    const auto plan = planWeightGradient(p, slices, target);
    return plan.ok() ? plan->steps[0].launch.symbol : plan.status().message();
  };
  const auto isSimt = [](const std::string& symbol) {
    return symbol.starts_with("weight_gradient_simt");
  };
  EXPECT_FALSE(isSimt(symbol(DType::kBF16, 16, kHopper)));
  EXPECT_FALSE(isSimt(symbol(DType::kF16, 24, kHopper)));
  EXPECT_EQ(symbol(DType::kBF16, 17, kHopper), "widen_rows");
  EXPECT_TRUE(isSimt(symbol(DType::kF32, 16, kHopper)));
  EXPECT_TRUE(isSimt(symbol(DType::kBF16, 16, kAmpere)));
}

TEST(CudaWeightGradientPlan, RefusesWhatIsNoWeightGradient) {
  const std::vector<int64_t> p{1, 8, 8, 8, 8, 16, 3, 3, 1, 1, 1, 1, 16};
  const SliceInfo x{DType::kBF16, 64, 16, 16, 256};
  const SliceInfo dw{DType::kF32, 768, 3, 3, 256};
  const auto message = [&](std::vector<SliceInfo> slices,
                           const WeightGradientOptions& options = {}) {
    const auto plan = planWeightGradient(p, slices, kHopper, options);
    return plan.ok() ? "" : plan.status().message();
  };
  EXPECT_EQ(message({x, x, dw}), "");
  EXPECT_NE(message({x, x}).find("must be {x, dy, dW}"), std::string::npos);
  EXPECT_NE(message({x, x, x}).find("dW f32"), std::string::npos);
  SliceInfo narrow = x;
  narrow.pitch = 8;
  EXPECT_NE(message({x, narrow, dw}).find("8 and 3 elements apart"),
            std::string::npos);
  EXPECT_NE(message({x, x, dw}, {"7x7", {}}).find("unknown tile '7x7'"),
            std::string::npos);
  EXPECT_NE(
      message({x, x, dw}, {"64x64", 9}).find("in 9 parts cannot take 1 steps"),
      std::string::npos);
}

// Every layer of a large network has parts enough to occupy a card, and no
// more than a quarter of a gigabyte of them.
TEST(CudaWeightGradientPlan, PartsOccupyTheCard) {
  for (const auto& [pixels, channels, outputs, taps] :
       {std::array<int64_t, 4>{131072, 320, 320, 9},
        {32768, 640, 640, 9},
        {8192, 1280, 1280, 9},
        {2048, 2560, 1280, 9},
        {131072, 320, 320, 1},
        {131072, 320, 2560, 1},
        {8192, 5120, 1280, 1}}) {
    const GradientProblem problem{
        .outputs = outputs,
        .channels = channels,
        .taps = taps,
        .phases = 1,
        .steps = pixels / 64,
        .bytes = 2.0 * static_cast<double>(pixels * (channels + outputs))};
    const GradientChoice choice = chooseGradientTile(problem);
    EXPECT_GE(choice.ranges(problem), 100);
    EXPECT_LE(choice.joinBytes(problem), 1 << 28);
  }
}

class CudaWeightGradientCompile : public ::testing::Test {
protected:
  void SetUp() override {
    if (const std::string reason = testing::whyNoCompiler(); !reason.empty())
      GTEST_SKIP() << reason;
  }

  void expectCompiles(const LaunchPlan& plan, const Target& target) {
    const testing::Compiled compiled = testing::compile(plan, target);
    EXPECT_TRUE(compiled.ok) << plan.symbol << "\n" << compiled.log;
    EXPECT_EQ(compiled.spillBytes, 0) << plan.symbol << "\n" << compiled.log;
    // ptxas says so when it must serialize wgmma.
    EXPECT_EQ(compiled.log.find("C75"), std::string::npos) << compiled.log;
  }
  void expectStepsCompile(const Result<WeightGradientPlan>& plan,
                          const Target& target) {
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    for (const WeightGradientStep& step : plan->steps)
      expectCompiles(step.launch, target);
  }
};

TEST_F(CudaWeightGradientCompile, EveryTile) {
  const Case conv{"", {1, 32, 32, 32, 32, 320, 3, 3, 1, 1, 1, 1, 320}};
  const Case linear{"", {1, 1, 4096, 1, 4096, 320, 1, 1, 1, 0, 0, 1, 320}};
  for (const std::string& tile : weightGradientTiles()) {
    expectStepsCompile(planWeightGradient(conv.params,
                                          conv.slices(DType::kBF16), kHopper,
                                          {tile, 4}),
                       kHopper);
    expectStepsCompile(planWeightGradient(linear.params,
                                          linear.slices(DType::kF16), kHopper,
                                          {tile, 1}),
                       kHopper);
  }
}

TEST_F(CudaWeightGradientCompile, PhasesAndCopies) {
  const Case enlarged{"", {1, 32, 32, 16, 16, 64, 3, 3, 1, 1, 1, 2, 64}};
  const Case odd{"", {1, 32, 32, 32, 32, 3, 3, 3, 1, 1, 1, 1, 5}};
  for (const Case& c : {enlarged, odd})
    expectStepsCompile(
        planWeightGradient(c.params, c.slices(DType::kBF16), kHopper), kHopper);
}

TEST_F(CudaWeightGradientCompile, WithoutMatrixUnits) {
  const Case odd{"", {1, 24, 24, 8, 8, 9, 3, 3, 1, 1, 1, 3, 7}};
  for (DType dtype : {DType::kF32, DType::kBF16, DType::kF16})
    for (const Target& target : {kHopper, kAmpere})
      for (int64_t parts : {1, 2})
        expectStepsCompile(planWeightGradient(odd.params, odd.slices(dtype),
                                              target, {"", parts}),
                           target);
}

} // namespace
} // namespace burin::kernels::cuda
