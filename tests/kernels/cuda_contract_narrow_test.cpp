// SPDX-License-Identifier: Apache-2.0
// few_channels.cuh and few_outputs.cuh run on the CPU by their plans, against
// plain loops. Values are small integers, so that sums are exact.
#include <cmath>

#include "gtest/gtest.h"

#include "kernels/cuda/contract/few_channels.cuh"
#include "kernels/cuda/contract/few_outputs.cuh"

#include "kernels/cuda/contract/plan.h"

namespace burin::kernels::cuda {
namespace {

const Target kHopper{"sm_90a", 90};

// Where results go: [row][kOutputs], and how often each was written.
struct Results {
  std::vector<float> values;
  std::vector<int> writes;
};

template <int kColumns>
struct StoreEpilogue {
  static constexpr int kOutputs = kColumns;
  static constexpr bool kGated = false;
  struct Operand {
    int row, column;
  };
  Operand fetch(const View*, int row, int column) const {
    return {row, column};
  }
  void finish(const View* views, float (&value)[8], float (&)[8],
              const Operand& operand, int row, int column) const {
    auto& results = *static_cast<Results*>(views[0].data);
    ASSERT_EQ(operand.row, row);
    ASSERT_EQ(operand.column, column);
    for (int i = 0; i < 8 && column + i < kOutputs; ++i) {
      results.values.at(row * kOutputs + column + i) = value[i];
      ++results.writes.at(row * kOutputs + column + i);
    }
  }
};

struct Convolution {
  int64_t batch, height, width, channels, outputs;
  int64_t kernelHeight, kernelWidth, stride, padTop, padLeft;
  int64_t padBottom, padRight;
  int64_t slack; // pitch beyond the channels

  int64_t outHeight() const {
    return (height + padTop + padBottom - kernelHeight) / stride + 1;
  }
  int64_t outWidth() const {
    return (width + padLeft + padRight - kernelWidth) / stride + 1;
  }
  int64_t outRows() const { return batch * outHeight() * outWidth(); }
  int64_t pitch() const { return channels + slack; }
  int64_t taps() const { return kernelHeight * kernelWidth; }
  std::vector<int64_t> params() const {
    return {batch,        outHeight(), outWidth(), height, width,   channels,
            kernelHeight, kernelWidth, stride,     padTop, padLeft, 1,
            outputs};
  }
};

template <bool kHalf>
class Run {
public:
  explicit Run(const Convolution& c) : c_(c) {
    input_ = numbers(c.batch * c.height * c.width * c.pitch(), 7);
    weights_ = numbers(c.outputs * c.taps() * c.channels, 9);
    for (float x : input_)
      inputBits_.push_back(bitsOf(x));
    // Beside the pixels lie numbers that no sum may meet.
    for (size_t i = 0; i < inputBits_.size(); ++i)
      if (static_cast<int64_t>(i) % c.pitch() >= c.channels)
        inputBits_[i] = bitsOf(std::nanf(""));
    pack();
    results_.values.assign(c.outRows() * c.outputs, 0);
    results_.writes.assign(results_.values.size(), 0);
  }

  template <class Epilogue>
  LaunchPlan plan() {
    const SliceInfo input{kHalf ? DType::kF16 : DType::kBF16,
                          c_.batch * c_.height * c_.width, c_.channels,
                          c_.pitch(), 256};
    const EpilogueText epilogue{.text = "", .name = "store", .slices = 1};
    const auto plan = planContract(c_.params(), input, epilogue, kHopper);
    EXPECT_TRUE(plan.ok()) << plan.status().message();
    shape_ = {};
    EXPECT_EQ(plan->constants.size(), sizeof(shape_));
    std::memcpy(&shape_, plan->constants.data(), sizeof(shape_));
    return *plan;
  }

  template <class Kernel>
  void launch(const LaunchPlan& plan, Kernel kernel) {
    const View views[3] = {{inputBits_.data(), c_.pitch()},
                           {packed_.data(), 0},
                           {&results_, c_.outputs}};
    emulated::runGrid(plan.blocks[0], plan.threads,
                      [&] { kernel(views, shape_); });
  }

  void expectProduct() const {
    for (int count : results_.writes)
      ASSERT_EQ(count, 1);
    for (int64_t row = 0; row < c_.outRows(); ++row)
      for (int64_t o = 0; o < c_.outputs; ++o)
        ASSERT_EQ(results_.values[row * c_.outputs + o], sum(row, o))
            << "row " << row << ", output " << o;
  }

private:
  static u16 bitsOf(float x) { return kHalf ? floatToF16(x) : floatToBf16(x); }
  static std::vector<float> numbers(int64_t count, uint32_t state) {
    std::vector<float> result(count);
    for (float& x : result) {
      state = state * 1664525u + 1013904223u;
      x = static_cast<float>(static_cast<int>(state >> 24) % 5 - 2);
    }
    return result;
  }

  // weights_ is [output][tap][channel].
  void pack() {
    const int64_t chunks = (c_.channels + kChunk - 1) / kChunk;
    const int64_t columns = c_.taps() * chunks * kChunk;
    const int64_t bytes = packedContractBytes(
        c_.params(), kHalf ? DType::kF16 : DType::kBF16, false, kHopper);
    packed_.assign(bytes / 2, 0);
    for (int64_t o = 0; o < c_.outputs; ++o)
      for (int64_t tap = 0; tap < c_.taps(); ++tap)
        for (int64_t k = 0; k < c_.channels; ++k)
          packed_.at(packedRow(static_cast<int>(o)) * columns +
                     tap * chunks * kChunk + k) =
              bitsOf(weights_[(o * c_.taps() + tap) * c_.channels + k]);
  }

  float sum(int64_t row, int64_t output) const {
    const int64_t ox = row % c_.outWidth(), oy = row / c_.outWidth();
    const int64_t n = oy / c_.outHeight();
    float sum = 0;
    for (int64_t tap = 0; tap < c_.taps(); ++tap) {
      const int64_t y =
          oy % c_.outHeight() * c_.stride - c_.padTop + tap / c_.kernelWidth;
      const int64_t x = ox * c_.stride - c_.padLeft + tap % c_.kernelWidth;
      if (y < 0 || y >= c_.height || x < 0 || x >= c_.width)
        continue;
      for (int64_t k = 0; k < c_.channels; ++k)
        sum += input_[((n * c_.height + y) * c_.width + x) * c_.pitch() + k] *
               weights_[(output * c_.taps() + tap) * c_.channels + k];
    }
    return sum;
  }

  Convolution c_;
  std::vector<float> input_, weights_;
  std::vector<u16> inputBits_, packed_;
  SimtShape shape_;
  Results results_;
};

// The plan prints the problem that the test compiled.
void expectConstants(const LaunchPlan& plan,
                     std::initializer_list<std::pair<const char*, int>> all) {
  for (const auto& [name, value] : all)
    EXPECT_NE(plan.source.find(std::string("int ") + name + " = " +
                               std::to_string(value) + ";"),
              std::string::npos)
        << name << " " << value << " in\n"
        << plan.source;
}

template <class P, int kOutputs>
void checkFewChannels(const Convolution& c) {
  constexpr bool kHalf = std::is_same_v<typename P::Product, ProductF16>;
  using Epilogue = StoreEpilogue<kOutputs>;
  Run<kHalf> run(c);
  const LaunchPlan plan = run.template plan<Epilogue>();
  ASSERT_TRUE(plan.symbol.starts_with("contract_few_channels_"));
  expectConstants(plan, {{"kChannels", P::kChannels},
                         {"kTaps", P::kTaps},
                         {"kKernelWidth", P::kKernelWidth},
                         {"kStride", P::kStride},
                         {"kPadTop", P::kPadTop},
                         {"kPadLeft", P::kPadLeft},
                         {"kWide", P::kWide},
                         {"kGroups", P::kGroups}});
  run.launch(plan, [](const View* views, const SimtShape& shape) {
    contractFewChannels<P, Epilogue>(views, shape);
  });
  run.expectProduct();
}

template <class Product_, int kChannels_, int kTaps_, int kKernelWidth_,
          int kStride_, int kPadTop_, int kPadLeft_, int kWide_, int kGroups_>
struct ChannelsProblem {
  using Product = Product_;
  static constexpr int kChannels = kChannels_, kTaps = kTaps_;
  static constexpr int kKernelWidth = kKernelWidth_, kStride = kStride_;
  static constexpr int kPadTop = kPadTop_, kPadLeft = kPadLeft_;
  static constexpr int kWide = kWide_, kGroups = kGroups_;
};

TEST(CudaFewChannels, Picture) {
  checkFewChannels<ChannelsProblem<ProductBf16, 3, 9, 3, 1, 1, 1, 1, 4>, 136>(
      {2, 5, 7, 3, 136, 3, 3, 1, 1, 1, 1, 1, 0});
}
TEST(CudaFewChannels, Latents) {
  checkFewChannels<ChannelsProblem<ProductBf16, 8, 9, 3, 1, 1, 1, 2, 1>, 72>(
      {3, 6, 5, 8, 72, 3, 3, 1, 1, 1, 1, 1, 0});
}
TEST(CudaFewChannels, StridesInWideRows) {
  checkFewChannels<ChannelsProblem<ProductF16, 4, 9, 3, 2, 0, 0, 2, 1>, 100>(
      {2, 8, 10, 4, 100, 3, 3, 2, 0, 0, 1, 1, 2});
}
TEST(CudaFewChannels, OddRows) {
  checkFewChannels<ChannelsProblem<ProductBf16, 4, 3, 3, 1, 0, 1, 1, 1>, 20>(
      {1, 4, 9, 4, 20, 1, 3, 1, 0, 1, 0, 1, 1});
}
TEST(CudaFewChannels, ProductOfMatrices) {
  checkFewChannels<ChannelsProblem<ProductBf16, 4, 1, 1, 1, 0, 0, 2, 1>, 4>(
      {2, 9, 11, 4, 4, 1, 1, 1, 0, 0, 0, 0, 0});
}

template <class P>
void checkFewOutputs(const Convolution& c) {
  constexpr bool kHalf = std::is_same_v<typename P::Product, ProductF16>;
  using Epilogue = StoreEpilogue<P::kOutputs>;
  Run<kHalf> run(c);
  const LaunchPlan plan = run.template plan<Epilogue>();
  ASSERT_TRUE(plan.symbol.starts_with("contract_few_outputs_"));
  expectConstants(plan, {{"kChannels", P::kChannels},
                         {"kOutputs", P::kOutputs},
                         {"kKernelHeight", P::kKernelHeight},
                         {"kKernelWidth", P::kKernelWidth},
                         {"kPadTop", P::kPadTop},
                         {"kPadLeft", P::kPadLeft},
                         {"kTileHeight", P::kTileHeight},
                         {"kTileWidth", P::kTileWidth},
                         {"kBatch", P::kBatch}});
  std::vector<uint4> shared(plan.sharedBytes / 16 + 1,
                            {~0u, ~0u, ~0u, ~0u}); // NaN
  run.launch(plan, [&](const View* views, const SimtShape& shape) {
    contractFewOutputs<P, Epilogue>(views, shape, shared.data());
  });
  run.expectProduct();
}

template <class Product_, int kChannels_, int kOutputs_, int kKernelHeight_,
          int kKernelWidth_, int kPadTop_, int kPadLeft_, int kTileHeight_,
          int kTileWidth_, int kBatch_>
struct OutputsProblem {
  using Product = Product_;
  static constexpr int kChannels = kChannels_, kOutputs = kOutputs_;
  static constexpr int kKernelHeight = kKernelHeight_;
  static constexpr int kKernelWidth = kKernelWidth_;
  static constexpr int kPadTop = kPadTop_, kPadLeft = kPadLeft_;
  static constexpr int kTileHeight = kTileHeight_, kTileWidth = kTileWidth_;
  static constexpr int kBatch = kBatch_;
};

TEST(CudaFewOutputs, Picture) {
  checkFewOutputs<OutputsProblem<ProductBf16, 64, 3, 3, 3, 1, 1, 4, 8, 2>>(
      {2, 9, 11, 64, 3, 3, 3, 1, 1, 1, 1, 1, 0});
}
TEST(CudaFewOutputs, LatentsFromManyChannels) {
  checkFewOutputs<OutputsProblem<ProductF16, 352, 8, 3, 3, 1, 1, 4, 8, 4>>(
      {1, 5, 8, 352, 8, 3, 3, 1, 1, 1, 1, 1, 24});
}
TEST(CudaFewOutputs, SkewedKernel) {
  checkFewOutputs<OutputsProblem<ProductBf16, 96, 5, 2, 3, 0, 2, 4, 8, 3>>(
      {1, 7, 9, 96, 5, 2, 3, 1, 0, 2, 1, 0, 0});
}
TEST(CudaFewOutputs, LargeTiles) {
  checkFewOutputs<OutputsProblem<ProductBf16, 32, 1, 3, 3, 1, 1, 8, 16, 1>>(
      {11, 24, 60, 32, 1, 3, 3, 1, 1, 1, 1, 1, 0});
}

} // namespace
} // namespace burin::kernels::cuda
