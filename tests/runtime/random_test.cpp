// SPDX-License-Identifier: Apache-2.0
// Normals: Philox against published vectors, PyTorch's CPU stream against
// PyTorch, the CUDA stream against its definition written another way.
#include "runtime/random/normal_source.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "formats/safetensors/safetensors.h"
#include "runtime/base/philox.h"

namespace burin {
namespace {

// The known answers that accompany the authors' implementation.
static_assert(philox4x32({0, 0, 0, 0}, {0, 0}) ==
              std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c,
                                      0x9b00dbd8});
static_assert(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                         {0xa4093822, 0x299f31d0}) ==
              std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420,
                                      0x24126ea1});

std::vector<float> draw(NormalSource& source, size_t count) {
  std::vector<float> values(count);
  source.fill(values);
  return values;
}

TEST(CounterNormals, DependOnPositionAlone) {
  auto whole = makeNormalSource(RandomMode::kCounter, 7);
  std::vector<float> all = draw(*whole, 1000);
  auto pieces = makeNormalSource(RandomMode::kCounter, 7);
  size_t at = 0;
  for (size_t size : {1, 2, 3, 5, 64, 0, 7, 918}) {
    std::vector<float> piece = draw(*pieces, size);
    for (float value : piece)
      ASSERT_EQ(value, all[at++]);
  }
  EXPECT_EQ(at, 1000u);
  EXPECT_EQ(all[5], philoxNormals(7, 1)[1]);
  EXPECT_NE(draw(*makeNormalSource(RandomMode::kCounter, 8), 1)[0], all[0]);
}

// Mean, variance and the fourth moment of a standard normal, to five sigma of
// their own deviation.
TEST(Normals, AreNormal) {
  constexpr size_t kCount = 1 << 20;
  for (RandomMode mode :
       {RandomMode::kCounter, RandomMode::kTorchCpu, RandomMode::kTorchCuda}) {
    std::vector<float> values = draw(*makeNormalSource(mode, 1), kCount);
    double sum = 0, square = 0, fourth = 0;
    for (double value : values) {
      sum += value;
      square += value * value;
      fourth += value * value * value * value;
    }
    double sigma = 5 / std::sqrt(static_cast<double>(kCount));
    EXPECT_NEAR(sum / kCount, 0, sigma);
    EXPECT_NEAR(square / kCount, 1, sigma * std::numbers::sqrt2);
    EXPECT_NEAR(fourth / kCount, 3, sigma * std::sqrt(96.0));
  }
}

TEST(TorchCpuNormals, EqualPyTorch) {
  auto golden = SafetensorsFile::open(
      "tests/runtime/golden/torch_cpu_normals.safetensors");
  ASSERT_TRUE(golden.ok()) << golden.status().message();
  // PyTorch's vector functions and the C library's differ by units in the last
  // place of terms below 6.
  constexpr float kTolerance = 1e-6f;
  size_t checked = 0;
  for (uint64_t seed : {uint64_t{0}, uint64_t{42}, (uint64_t{1} << 32) + 5,
                        (uint64_t{1} << 63) + 11}) {
    auto source = makeNormalSource(RandomMode::kTorchCpu, seed);
    for (int call = 0;; ++call) {
      const TensorView* want =
          golden->find(std::to_string(seed) + "." + std::to_string(call));
      if (!want)
        break;
      std::vector<float> got = draw(*source, want->data.size() / 4);
      for (size_t i = 0; i < got.size(); ++i) {
        float value;
        std::memcpy(&value, want->data.data() + 4 * i, sizeof(value));
        ASSERT_NEAR(got[i], value, kTolerance * std::max(1.0f, std::abs(value)))
            << "seed " << seed << ", call " << call << ", value " << i;
        ++checked;
      }
    }
  }
  EXPECT_EQ(checked, 4u * 2116u);
}

// What an H100 drew, at places in the first and later rounds of its threads.
TEST(TorchCudaNormals, EqualPyTorchOnAnH100) {
  auto golden = SafetensorsFile::open(
      "tests/runtime/golden/torch_cuda_normals.safetensors");
  ASSERT_TRUE(golden.ok()) << golden.status().message();
  constexpr float kTolerance = 2e-6f; // the card's sine, cosine and logarithm
  float worst = 0;
  for (uint64_t seed : {0, 42})
    for (size_t count : {7, 1000, 16384, 49152, 1 << 20, (1 << 21) + 13}) {
      auto source = makeNormalSource(RandomMode::kTorchCuda, seed);
      std::string name = std::to_string(seed) + "." + std::to_string(count);
      const TensorView* index = golden->find(name + ".index");
      ASSERT_NE(index, nullptr) << name;
      for (const char* call : {".first", ".second"}) {
        const TensorView* want = golden->find(name + call);
        ASSERT_NE(want, nullptr) << name << call;
        std::vector<float> got = draw(*source, count);
        for (size_t i = 0; i < want->data.size() / sizeof(float); ++i) {
          int64_t place;
          float value;
          std::memcpy(&place, index->data.data() + 8 * i, sizeof(place));
          std::memcpy(&value, want->data.data() + 4 * i, sizeof(value));
          float error = std::abs(got[static_cast<size_t>(place)] - value) /
                        std::max(1.0f, std::abs(value));
          worst = std::max(worst, error);
          ASSERT_LE(error, kTolerance) << name << call << "[" << place << "]";
        }
      }
    }
  std::printf("worst error %.1e, %.0f %% of the tolerance\n", double(worst),
              100.0 * double(worst / kTolerance));
}

// A normal of the GPU's formula, in double.
double cudaNormal(uint32_t r, uint32_t s, bool sine) {
  double u = (r + 0.5) * 0x1p-32,
         w = 2 * std::numbers::pi * (s + 0.5) * 0x1p-32;
  return std::sqrt(-2 * std::log(u)) * (sine ? std::sin(w) : std::cos(w));
}

// Which thread, counter and lane make element i of a call: the definition read
// from the element's side.
double cudaElement(uint64_t seed, uint64_t i, uint64_t threads,
                   uint64_t counter) {
  uint64_t lane = i / threads % 4;
  auto words = philoxWords(seed, counter + i / (4 * threads), i % threads);
  size_t pair = lane / 2 * 2;
  return cudaNormal(words[pair], words[pair + 1], lane % 2 == 0);
}

TEST(TorchCudaNormals, AreDealtToThreads) {
  const uint64_t seed = (uint64_t{3} << 32) + 99;
  // A card of 2 x 512 threads meets every case with few numbers.
  constexpr TorchCudaGrid kGrid = {2, 512};
  auto source = makeTorchCudaSource(seed, kGrid);
  uint64_t counter = 0;
  for (uint64_t count : {1, 255, 256, 257, 1024, 1025, 4096, 4097, 10000, 3}) {
    std::vector<float> got = draw(*source, count);
    uint64_t threads = std::min<uint64_t>(1024, (count + 255) / 256 * 256);
    for (uint64_t i = 0; i < count; ++i)
      ASSERT_NEAR(got[i], cudaElement(seed, i, threads, counter), 1e-5)
          << "element " << i << " of " << count;
    counter += (count - 1) / (4 * threads) + 1;
  }
  draw(*source, 0);
  EXPECT_NEAR(draw(*source, 1)[0], cudaElement(seed, 0, 256, counter), 1e-5);
}

TEST(TorchCudaNormals, DefaultIsAnH100) {
  constexpr uint64_t kThreads = 132 * 2048;
  std::vector<float> got =
      draw(*makeNormalSource(RandomMode::kTorchCuda, 5), kThreads + 10);
  EXPECT_NEAR(got[kThreads + 3], cudaElement(5, kThreads + 3, kThreads, 0),
              1e-5);
}

TEST(RandomMode, Names) {
  EXPECT_EQ(*randomModeFromName("counter"), RandomMode::kCounter);
  EXPECT_EQ(*randomModeFromName("torch-cpu"), RandomMode::kTorchCpu);
  EXPECT_EQ(*randomModeFromName("torch-cuda"), RandomMode::kTorchCuda);
  auto unknown = randomModeFromName("numpy");
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.status().message().find("'numpy'"), std::string::npos);
}

} // namespace
} // namespace burin
