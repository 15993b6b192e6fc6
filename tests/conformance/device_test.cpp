// SPDX-License-Identifier: Apache-2.0
// Is this device a device? Memory, the five verbs, their order and errors.
#include <algorithm>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <numeric>

#include <gtest/gtest.h>

#include "tests/conformance/test_device.h"

namespace burin::conformance {
namespace {

struct Case {
  TestDevice device;
  int threads;
};

std::vector<Case> allCases() {
  std::vector<Case> cases;
  std::vector<TestDevice> devices = cudaTestDevices();
  devices.insert(devices.begin(), cpuTestDevice());
  for (const TestDevice& device : devices)
    for (int threads : device.threads)
      cases.push_back({device, threads});
  return cases;
}

class DeviceTest : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    auto created = GetParam().device.create(GetParam().threads);
    if (created.status().code() == Code::kUnavailable)
      GTEST_SKIP() << created.status().message();
    ASSERT_TRUE(created.ok()) << created.status().message();
    device_ = *std::move(created);
    std::ifstream file(GetParam().device.imageFile, std::ios::binary);
    code_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_FALSE(code_.empty()) << GetParam().device.imageFile;
    auto image = device_->loadImage(source());
    ASSERT_TRUE(image.ok()) << image.status().message();
    image_ = *std::move(image);
    commands_ = device_->createCommandBuffer();
  }

  ImageSource source() const {
    return {GetParam().device.imageKind, GetParam().device.target,
            std::as_bytes(std::span(code_))};
  }

  KernelHandle kernel(const std::string& symbol) {
    auto found = image_->find(symbol);
    EXPECT_TRUE(found.ok());
    return *found;
  }

  // Memory of the device as the host sees it: itself, or a mirror that
  // executions bring up to date.
  template <typename T>
  std::span<T> allocate(size_t count) {
    size_t bytes = count * sizeof(T);
    auto memory = device_->allocate(bytes);
    EXPECT_TRUE(memory.ok()) << memory.status().message();
    memory_.push_back(*std::move(memory));
    std::byte* data = memory_.back().data();
    bindings_.push_back(data);
    std::vector<std::byte>& mirror = mirrors_.emplace_back();
    if (!device_->sharesMemory()) {
      mirror.resize(bytes);
      EXPECT_TRUE(device_->download(mirror, data).ok());
      data = mirror.data();
    }
    return {reinterpret_cast<T*>(data), count};
  }

  // Where what the host sees lies on the device.
  std::byte* deviceAddress(const float* host) {
    auto* address =
        const_cast<std::byte*>(reinterpret_cast<const std::byte*>(host));
    for (size_t i = 0; i < mirrors_.size(); ++i)
      if (!mirrors_[i].empty() && address >= mirrors_[i].data() &&
          address < mirrors_[i].data() + mirrors_[i].size())
        return memory_[i].data() + (address - mirrors_[i].data());
    return address;
  }

  std::span<float> iota(size_t count) {
    std::span<float> data = allocate<float>(count);
    std::iota(data.begin(), data.end(), 1.0f);
    return data;
  }

  // Rows of binding `index`.
  static Operand rows(uint32_t index, int64_t count, int64_t extent,
                      int64_t pitch, int64_t byteOffset = 0,
                      DType dtype = DType::kF32) {
    return {index, byteOffset, dtype, count, extent, pitch};
  }

  // The mirrors of what executions may have changed are read back.
  Status tryExecute(const ExecuteOptions& options = {}) {
    for (size_t i = 0; i < memory_.size(); ++i)
      if (!mirrors_[i].empty())
        BURIN_TRY(device_->upload(memory_[i].data(), mirrors_[i]));
    Status status = commands_->execute(bindings_, options);
    for (size_t i = 0; i < memory_.size(); ++i)
      if (!mirrors_[i].empty())
        BURIN_TRY(device_->download(mirrors_[i], memory_[i].data()));
    return status;
  }
  void execute(const ExecuteOptions& options = {}) {
    Status status = tryExecute(options);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  void launch(const std::string& symbol, std::span<const Operand> slices,
              int64_t items) {
    if (!GetParam().device.hasGrids)
      return record(commands_->launch(kernel(symbol), slices, items));
    constexpr int64_t kThreads = 128;
    Grid grid = {};
    grid.blocks = {static_cast<uint32_t>(items / kThreads + 1), 1, 1};
    grid.threads = kThreads;
    grid.cluster = 1;
    grid.constants = std::as_bytes(std::span(&items_.emplace_back(items), 1));
    record(commands_->launch(kernel(symbol), slices, items, &grid));
  }
  void record(Status status) { EXPECT_TRUE(status.ok()) << status.message(); }

  std::unique_ptr<Device> device_;
  std::vector<char> code_;
  std::unique_ptr<CodeImage> image_;
  std::vector<Memory> memory_;
  std::deque<std::vector<std::byte>> mirrors_; // of memory_
  std::deque<int64_t> items_;                  // constants of launches
  std::vector<std::byte*> bindings_;
  std::unique_ptr<CommandBuffer> commands_;
};

TEST_P(DeviceTest, MemoryIsZeroAndAligned) {
  for (size_t size : {size_t{1}, size_t{4097}, size_t{3} << 20}) {
    std::span<std::byte> data = allocate<std::byte>(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bindings_.back()) % 64, 0u);
    EXPECT_EQ(std::ranges::count(data, std::byte{0}),
              static_cast<int64_t>(size));
    std::ranges::fill(data, std::byte{0xab});
  }
  auto nothing = device_->allocate(0);
  ASSERT_TRUE(nothing.ok());
  EXPECT_EQ(nothing->size(), 0u);
}

TEST_P(DeviceTest, TooMuchMemoryIsAnError) {
  auto memory = device_->allocate(size_t{1} << 60);
  ASSERT_FALSE(memory.ok());
  EXPECT_EQ(memory.status().code(), Code::kOutOfMemory);
  EXPECT_NE(memory.status().message().find("1152921504606846976"),
            std::string::npos);
}

TEST_P(DeviceTest, LaunchCoversEveryItemOnce) {
  for (int64_t items : {0, 1, 2, 7, 64, 1001, 100000}) {
    commands_ = device_->createCommandBuffer();
    bindings_.clear();
    std::span<int32_t> count = allocate<int32_t>(items + 1);
    Operand operand = rows(0, 1, items, items, 0, DType::kI32);
    launch("countItems", {&operand, 1}, items);
    record(commands_->finish());
    execute();
    execute();
    EXPECT_EQ(std::ranges::count(count, 2), items);
    EXPECT_EQ(count.back(), 0);
  }
}

TEST_P(DeviceTest, LaunchSeesOffsetAndPitch) {
  std::span<float> in = iota(3 * 16);
  std::span<float> out = allocate<float>(4 + 3 * 10);
  std::vector<Operand> operands = {rows(0, 3, 8, 16, 8 * sizeof(float)),
                                   rows(1, 3, 8, 10, 4 * sizeof(float))};
  launch("addOne", operands, 3);
  record(commands_->finish());
  execute();
  for (int row = 0; row < 3; ++row) {
    for (int i = 0; i < 8; ++i)
      EXPECT_EQ(out[4 + row * 10 + i], in[8 + row * 16 + i] + 1);
    EXPECT_EQ(out[4 + row * 10 + 8], 0) << "a write beyond the extent";
  }
}

TEST_P(DeviceTest, CallPassesParametersAndScratch) {
  if (!GetParam().device.hasLibraryKernels)
    GTEST_SKIP() << "this device has no library kernels";
  std::span<float> in = iota(5000);
  std::span<float> out = allocate<float>(5000);
  std::vector<Operand> operands = {rows(0, 1, 5000, 5000),
                                   rows(1, 1, 5000, 5000)};
  std::vector<int64_t> params = {5000, 3};
  record(commands_->call("test.scale", operands, params, {}, {}));
  params = {0, 0}; // recording keeps its own
  record(commands_->finish());
  execute();
  for (int i = 0; i < 5000; ++i)
    ASSERT_EQ(out[i], 3 * in[i]) << i;
}

TEST_P(DeviceTest, CallRunsGeneratedEpilogue) {
  if (!GetParam().device.hasLibraryKernels)
    GTEST_SKIP() << "this device has no library kernels";
  std::span<float> in = iota(40 * 6);
  std::span<float> bias = iota(5);
  std::span<float> out = allocate<float>(40 * 7);
  Operand slice = rows(0, 40, 5, 6);
  std::vector<Operand> own = {rows(1, 1, 5, 5), rows(2, 40, 5, 7)};
  std::vector<int64_t> params = {40, 5};
  KernelHandle epilogue = kernel("addBias");
  record(
      commands_->call("test.tiles", {&slice, 1}, params, {&epilogue, 1}, own));
  record(commands_->finish());
  execute();
  for (int row = 0; row < 40; ++row)
    for (int i = 0; i < 5; ++i)
      ASSERT_EQ(out[row * 7 + i], 2 * in[row * 6 + i] + bias[i]);
}

TEST_P(DeviceTest, CallErrorsNameTheKernel) {
  if (!GetParam().device.hasLibraryKernels)
    GTEST_SKIP() << "this device has no library kernels";
  iota(8);
  std::vector<Operand> one = {rows(0, 1, 8, 8)};
  std::vector<Operand> two = {one[0], one[0]};
  std::vector<int64_t> params = {4, 2};
  KernelHandle epilogue = kernel("addBias");
  auto expect = [](Status status, const std::string& part) {
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.message().find(part), std::string::npos)
        << status.message();
  };
  expect(commands_->call("test.absent", one, params, {}, {}), "'test.absent'");
  expect(commands_->call("test.scale", one, params, {}, {}),
         "'test.scale' takes 2 slices, the call has 1");
  expect(commands_->call("test.scale", two, {}, {}, {}),
         "takes 2 parameters, the call has 0");
  expect(commands_->call("test.scale", two, params, {&epilogue, 1}, {}),
         "takes 0 callbacks, the call has 1");
  expect(commands_->call("test.tiles", one, params, {}, {}),
         "takes 1 callbacks, the call has 0");
  params[0] = -4;
  expect(commands_->call("test.scale", two, params, {}, {}),
         "'test.scale' refuses its parameters (the count is negative)");
}

TEST_P(DeviceTest, CopyBetweenPitches) {
  struct Layout {
    int64_t rows, extent, sourcePitch, targetPitch;
  };
  for (Layout at : {Layout{1, 1, 1, 1}, Layout{6, 5, 5, 5}, Layout{6, 5, 9, 5},
                    Layout{6, 5, 5, 9}, Layout{1, 100000, 100000, 100000},
                    Layout{300, 700, 700, 700}, Layout{300, 700, 900, 800},
                    Layout{0, 5, 5, 5}, Layout{5, 0, 0, 0}}) {
    commands_ = device_->createCommandBuffer();
    bindings_.clear();
    std::span<float> source = iota(at.rows * at.sourcePitch + 1);
    std::span<float> target = allocate<float>(at.rows * at.targetPitch + 2);
    record(commands_->copy(rows(0, at.rows, at.extent, at.sourcePitch),
                           rows(1, at.rows, at.extent, at.targetPitch, 4)));
    record(commands_->finish());
    execute();
    std::vector<float> want(target.size());
    for (int64_t row = 0; row < at.rows; ++row)
      for (int64_t i = 0; i < at.extent; ++i)
        want[1 + row * at.targetPitch + i] = source[row * at.sourcePitch + i];
    EXPECT_TRUE(std::ranges::equal(target, want))
        << at.rows << " rows of " << at.extent;
  }
}

TEST_P(DeviceTest, CopyNeedsEqualRows) {
  iota(16);
  EXPECT_FALSE(commands_->copy(rows(0, 2, 4, 4), rows(0, 4, 2, 2)).ok());
  EXPECT_FALSE(
      commands_->copy(rows(0, 2, 4, 4), rows(0, 2, 4, 4, 32, DType::kI32))
          .ok());
}

TEST_P(DeviceTest, FillEveryElementSize) {
  const uint64_t pattern = 0x8877665544332211;
  for (DType dtype : {DType::kU8, DType::kBF16, DType::kF32, DType::kI64})
    for (auto [count, extent, pitch] : {std::array<int64_t, 3>{1, 1, 1},
                                        {5, 3, 4},
                                        {1, 200001, 200001},
                                        {400, 300, 300},
                                        {400, 300, 301},
                                        {0, 3, 3},
                                        {3, 0, 0}}) {
      commands_ = device_->createCommandBuffer();
      bindings_.clear();
      auto size = static_cast<int64_t>(byteSize(dtype));
      std::span<std::byte> target =
          allocate<std::byte>((count * pitch + 2) * size);
      record(
          commands_->fill(rows(0, count, extent, pitch, size, dtype), pattern));
      record(commands_->finish());
      execute();
      std::vector<std::byte> want(target.size());
      for (int64_t row = 0; row < count; ++row)
        for (int64_t i = 0; i < extent; ++i)
          std::memcpy(&want[(1 + row * pitch + i) * size], &pattern, size);
      EXPECT_TRUE(std::ranges::equal(target, want))
          << name(dtype) << " " << count << " rows of " << extent;
    }
}

TEST_P(DeviceTest, CollectiveAloneKeepsItsOperand) {
  std::span<float> data = iota(100);
  std::vector<float> before(data.begin(), data.end());
  record(commands_->collective(rows(0, 1, 100, 100), Reduction::kMean));
  record(commands_->collective(rows(0, 1, 100, 100), Reduction::kSum));
  record(commands_->finish());
  execute();
  EXPECT_TRUE(std::ranges::equal(data, before));
}

// Each command depends on all items of the one before it.
TEST_P(DeviceTest, CommandsSeeTheirPredecessors) {
  constexpr int64_t kRows = 64, kExtent = 8, kLinks = 300;
  constexpr int64_t kCount = kRows * kExtent;
  std::span<float> a = allocate<float>(kCount);
  std::span<float> b = allocate<float>(kCount);
  Operand onA = rows(0, kRows, kExtent, kExtent);
  Operand onB = rows(1, kRows, kExtent, kExtent);
  // A row of a, shifted: the copy crosses the rows that threads work on.
  Operand head = rows(0, 1, kCount - kExtent, kCount - kExtent);
  Operand tail =
      rows(1, 1, kCount - kExtent, kCount - kExtent, kExtent * sizeof(float));
  Operand first = rows(1, 1, kExtent, kExtent);
  record(commands_->fill(onA, 0));
  for (int link = 0; link < kLinks; ++link) {
    std::vector<Operand> step = {onB, onA};
    record(commands_->copy(head, tail));
    record(commands_->fill(first, 0));
    launch("addOne", step, kRows);
  }
  record(commands_->finish());
  for (int repeat = 0; repeat < 20; ++repeat) {
    execute();
    for (int64_t row = 0; row < kRows; ++row)
      for (int64_t i = 0; i < kExtent; ++i)
        ASSERT_EQ(a[row * kExtent + i], std::min<int64_t>(row + 1, kLinks));
  }
  EXPECT_EQ(b[0], 0);
}

TEST_P(DeviceTest, BindingsMayChange) {
  std::span<float> first = iota(8), second = iota(16).subspan(8);
  std::span<float> out = allocate<float>(8);
  std::vector<Operand> operands = {rows(0, 1, 8, 8), rows(1, 1, 8, 8)};
  launch("addOne", operands, 1);
  record(commands_->finish());
  for (std::span<float> in : {first, second, first}) {
    bindings_ = {deviceAddress(in.data()), deviceAddress(out.data())};
    execute();
    EXPECT_EQ(out[7], in[7] + 1);
  }
  bindings_.pop_back();
  EXPECT_FALSE(commands_->execute(bindings_, {}).ok());
}

TEST_P(DeviceTest, ProgressAndCancellation) {
  std::span<int32_t> count = allocate<int32_t>(1);
  Operand operand = rows(0, 1, 1, 1, 0, DType::kI32);
  for (int i = 0; i < 5; ++i)
    launch("countItems", {&operand, 1}, 1);
  record(commands_->finish());
  std::vector<size_t> seen;
  ExecuteOptions options;
  options.progress = [&](size_t done, size_t total) {
    EXPECT_EQ(total, 5u);
    seen.push_back(done);
    return done < 3;
  };
  Status status = tryExecute(options);
  EXPECT_EQ(status.code(), Code::kCancelled);
  EXPECT_EQ(seen, (std::vector<size_t>{1, 2, 3}));
  EXPECT_EQ(count[0], 3);
}

TEST_P(DeviceTest, SecondsAreAdded) {
  allocate<std::byte>(16 << 20);
  record(commands_->fill(rows(0, 1, 16 << 20, 16 << 20, 0, DType::kU8), 1));
  record(commands_->fill(rows(0, 1, 16, 16, 0, DType::kU8), 2));
  record(commands_->finish());
  std::vector<double> seconds(2, 100.0);
  ExecuteOptions options;
  options.seconds = seconds;
  execute(options);
  EXPECT_GT(seconds[0], 100.0);
  EXPECT_LT(seconds[0], 160.0);
  EXPECT_GE(seconds[1], 100.0);
  options.seconds = std::span(seconds).first(1);
  EXPECT_FALSE(commands_->execute(bindings_, options).ok());
}

TEST_P(DeviceTest, ImagesReportTheirFaults) {
  auto absent = image_->find("absent");
  ASSERT_FALSE(absent.ok());
  EXPECT_NE(absent.status().message().find("'absent'"), std::string::npos);

  std::vector<std::byte> garbage(4096, std::byte{0x41});
  EXPECT_FALSE(device_
                   ->loadImage({GetParam().device.imageKind,
                                GetParam().device.target, garbage})
                   .ok());
  ImageSource foreign = source();
  foreign.target = "pdp-11";
  auto refused = device_->loadImage(foreign);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("pdp-11"), std::string::npos);
}

// Two programs at once: each image keeps its own code and data.
TEST_P(DeviceTest, ImagesAreIndependent) {
  auto second = device_->loadImage(source());
  ASSERT_TRUE(second.ok());
  auto a = image_->find("addOne"), b = (*second)->find("addOne");
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(*a, *b);
}

TEST_P(DeviceTest, RangesRunInTurn) {
  std::span<int32_t> count = allocate<int32_t>(4);
  Operand operand = rows(0, 1, 4, 4, 0, DType::kI32);
  for (int64_t items : {1, 2, 3, 4})
    launch("countItems", {&operand, 1}, items);
  record(commands_->finish());
  ExecuteOptions options;
  options.first = 2;
  execute(options);
  EXPECT_TRUE(std::ranges::equal(count, std::array{2, 2, 2, 1}));
  options.first = 0;
  options.last = 2;
  execute(options);
  EXPECT_TRUE(std::ranges::equal(count, std::array{4, 3, 2, 1}));
}

// Larger than any buffer on the way, and not a multiple of it.
TEST_P(DeviceTest, LargeTransfersArriveWhole) {
  constexpr size_t kCount = (size_t{40} << 20) / sizeof(float) + 3;
  std::vector<float> sent(kCount), received(kCount);
  std::iota(sent.begin(), sent.end(), 0.0f);
  auto memory = device_->allocate(kCount * sizeof(float));
  ASSERT_TRUE(memory.ok());
  auto bytes = std::as_writable_bytes(std::span(sent));
  ASSERT_TRUE(device_->upload(memory->data(), bytes).ok());
  std::vector<float> kept = sent;
  std::ranges::fill(sent, -1.0f); // the source is the caller's again
  ASSERT_TRUE(device_
                  ->download(std::as_writable_bytes(std::span(received)),
                             memory->data())
                  .ok());
  EXPECT_TRUE(received == kept);
}

INSTANTIATE_TEST_SUITE_P(Devices, DeviceTest, testing::ValuesIn(allCases()),
                         [](const auto& info) {
                           return info.param.device.name + "_threads_" +
                                  std::to_string(info.param.threads);
                         });

} // namespace
} // namespace burin::conformance
