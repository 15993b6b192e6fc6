// SPDX-License-Identifier: Apache-2.0
// What only the CUDA device promises: its errors, its graphs, and kernels'
// parameters. On the fake driver always, on a card where there is one.
#include "runtime/device/cuda/cuda_device.h"

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/conformance/fake_cuda.h"

namespace burin::conformance {
namespace {

struct Fake {
  Fake() : handle(dlopen(BURIN_FAKE_CUDA, RTLD_NOW)) {
    open(fail, "fakeCudaFail");
    open(calls, "fakeCudaCalls");
    open(overlaps, "fakeCudaOverlaps");
    open(objects, "fakeCudaObjects");
  }
  ~Fake() { fail(nullptr, 0, 0); }
  template <typename Function>
  void open(Function& function, const char* symbol) {
    function = reinterpret_cast<Function>(dlsym(handle, symbol));
  }

  void* handle;
  decltype(&fakeCudaFail) fail;
  decltype(&fakeCudaCalls) calls;
  decltype(&fakeCudaOverlaps) overlaps;
  decltype(&fakeCudaObjects) objects;
};

void expectMessage(const Status& status, Code code,
                   std::vector<std::string> parts) {
  EXPECT_EQ(status.code(), code) << status.message();
  for (const std::string& part : parts)
    EXPECT_NE(status.message().find(part), std::string::npos)
        << "'" << part << "' is not in: " << status.message();
}

// The library to open: of the fake driver, or of a card's.
class CudaTest : public testing::TestWithParam<const char*> {
protected:
  void SetUp() override { open(); }
  void open() {
    auto created = createCudaDevice({0, GetParam()});
    if (created.status().code() == Code::kUnavailable)
      GTEST_SKIP() << created.status().message();
    ASSERT_TRUE(created.ok()) << created.status().message();
    device_ = *std::move(created);
    std::ifstream file(BURIN_TEST_PTX, std::ios::binary);
    text_.assign(std::istreambuf_iterator<char>(file), {});
    auto image = device_->loadImage(source("sm_80"));
    ASSERT_TRUE(image.ok()) << image.status().message();
    image_ = *std::move(image);
    commands_ = device_->createCommandBuffer();
  }
  bool isFake() const { return std::strcmp(GetParam(), BURIN_FAKE_CUDA) == 0; }

  ImageSource source(const char* target) {
    return {ImageKind::kPtx, target, std::as_bytes(std::span(text_))};
  }
  std::byte* allocate(size_t bytes) {
    auto memory = device_->allocate(bytes);
    EXPECT_TRUE(memory.ok()) << memory.status().message();
    memory_.push_back(*std::move(memory));
    return memory_.back().data();
  }
  static Operand floats(uint32_t binding, int64_t count) {
    return {binding, 0, DType::kF32, 1, count, count};
  }
  static Grid oneBlock(const int64_t& constant) {
    Grid grid = {};
    grid.blocks = {1, 1, 1};
    grid.threads = 32;
    grid.cluster = 1;
    grid.constants = std::as_bytes(std::span(&constant, 1));
    return grid;
  }
  static TensorMap map(uint32_t box) {
    return {0, 0, {64, 4}, {256}, {box, 2}, {1, 1}, 0};
  }
  Status launch(const char* symbol, std::span<const Operand> slices,
                const Grid& grid) {
    auto kernel = image_->find(symbol);
    EXPECT_TRUE(kernel.ok()) << kernel.status().message();
    return commands_->launch(*kernel, slices, 0, &grid);
  }
  void recordAddOne() {
    std::array slices = {floats(0, 8), floats(1, 8)};
    ASSERT_TRUE(launch("addOne", slices, oneBlock(kOne)).ok());
    ASSERT_TRUE(commands_->finish().ok());
  }

  static constexpr int64_t kOne = 1;
  Fake fake_;
  std::unique_ptr<CudaDevice> device_;
  std::string text_;
  std::unique_ptr<CodeImage> image_;
  std::vector<Memory> memory_;
  std::unique_ptr<CommandBuffer> commands_;
};

TEST(Cuda, MissingDriverIsNamed) {
  auto device = createCudaDevice({0, "libcuda-that-is-not-there.so.1"});
  expectMessage(
      device.status(), Code::kUnavailable,
      {"libcuda-that-is-not-there.so.1", "NVIDIA driver", "--device cpu"});
  auto other = createCudaDevice({3, BURIN_FAKE_CUDA});
  expectMessage(other.status(), Code::kUnavailable, {"CUDA device 3"});
}

TEST(Cuda, MachineWithoutCardIsNamed) {
  Fake fake;
  fake.fail("cuInit", 100, 0);
  auto device = createCudaDevice({0, BURIN_FAKE_CUDA});
  expectMessage(device.status(), Code::kUnavailable, {"no device", "cpu"});
}

TEST_P(CudaTest, DescribesTheCard) {
  EXPECT_EQ(device_->name(), "cuda:0");
  EXPECT_FALSE(device_->info().card.empty());
  EXPECT_GE(device_->info().major, 8);
  EXPECT_GT(device_->info().multiprocessors, 0);
  allocate(1000);
  EXPECT_EQ(device_->info().allocatedBytes, 1000u);
  memory_.clear();
  EXPECT_EQ(device_->info().allocatedBytes, 0u);
  EXPECT_EQ(device_->info().peakBytes, 1000u);
  auto memory = device_->memory();
  ASSERT_TRUE(memory.ok());
  EXPECT_LE(memory->freeBytes, memory->totalBytes);
}

TEST_P(CudaTest, OutOfMemoryLeavesTheDeviceUsable) {
  allocate(8192);
  auto memory = device_->memory();
  ASSERT_TRUE(memory.ok());
  auto refused = device_->allocate(memory->totalBytes - 4096);
  expectMessage(
      refused.status(), Code::kOutOfMemory,
      {std::to_string(memory->totalBytes - 4096), "bytes free", "needs less"});
  recordAddOne();
  std::array bindings = {allocate(32), allocate(32)};
  ASSERT_TRUE(commands_->execute(bindings, {}).ok());
  std::array<float, 8> out = {};
  ASSERT_TRUE(
      device_->download(std::as_writable_bytes(std::span(out)), bindings[1])
          .ok());
  EXPECT_EQ(out[7], 1.0f);
}

TEST_P(CudaTest, OtherArchitecturesAreRefused) {
  for (const char* target : {"sm_99a", "sm_80a", "sm_990"})
    expectMessage(device_->loadImage(source(target)).status(),
                  Code::kUnavailable,
                  {target, "compute capability", "compile for sm_"});
  ImageSource machine = source("sm_75");
  machine.kind = ImageKind::kCubin;
  expectMessage(device_->loadImage(machine).status(), Code::kUnavailable,
                {"sm_75"});
  ImageSource foreign = source("x86-64-v4");
  foreign.kind = ImageKind::kCpuElf;
  expectMessage(device_->loadImage(foreign).status(), Code::kUnavailable,
                {"x86-64-v4", "--device cpu"});
}

TEST_P(CudaTest, ParametersFollowTheirLayout) {
  Operand slice = {0, 0, DType::kF32, 4, 64, 64};
  const int64_t constant = 0x1122334455667788;
  Grid grid = oneBlock(constant);
  grid.maps = {map(32), map(16)};
  ASSERT_TRUE(launch("echo", {&slice, 1}, grid).ok());
  ASSERT_TRUE(commands_->finish().ok());
  auto run = [&](std::byte* data) {
    std::array<uint64_t, 33> words = {};
    std::array bindings = {data};
    Status status = commands_->execute(bindings, {});
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_TRUE(
        device_->download(std::as_writable_bytes(std::span(words)), data).ok());
    return words;
  };
  std::byte* first = allocate(1024);
  auto words = run(first);
  EXPECT_EQ(words[0], uint64_t{0x1122334455667788});
  EXPECT_FALSE(std::equal(&words[1], &words[17], &words[17]))
      << "the maps differ in their boxes";
  auto others = run(allocate(1024));
  EXPECT_FALSE(std::equal(&words[1], &words[17], &others[1]))
      << "the maps differ in their addresses";
  EXPECT_EQ(run(first), words);
}

TEST_P(CudaTest, ImpossibleTensorMapIsDescribed) {
  Operand slice = {0, 0, DType::kF32, 4, 64, 64};
  Grid grid = oneBlock(kOne);
  grid.maps = {map(32), map(512)};
  ASSERT_TRUE(commands_->fill(slice, 0).ok());
  ASSERT_TRUE(launch("echo", {&slice, 1}, grid).ok());
  ASSERT_TRUE(commands_->finish().ok());
  std::array bindings = {allocate(1024)};
  size_t failed = SIZE_MAX;
  ExecuteOptions options;
  options.failed = &failed;
  expectMessage(commands_->execute(bindings, options), Code::kInternal,
                {"command 1", "tensor map of slice 0", "box [512,2]",
                 "CUDA_ERROR_INVALID_VALUE"});
  EXPECT_EQ(failed, 1u);
  EXPECT_TRUE(device_->synchronize().ok()) << "the device goes on";
}

TEST_P(CudaTest, LaunchWithoutGridIsRefused) {
  auto kernel = image_->find("addOne");
  ASSERT_TRUE(kernel.ok());
  expectMessage(commands_->launch(*kernel, {}, 1), Code::kUnavailable,
                {"work items", "compile"});
  expectMessage(commands_->call("contract.bf16", {}, {}, {}, {}),
                Code::kUnavailable, {"'contract.bf16'"});
}

TEST_P(CudaTest, ReplaysNeitherAllocateNorWait) {
  recordAddOne();
  std::array first = {allocate(32), allocate(32)};
  std::array second = {first[1], allocate(32)};
  for (auto bindings : {first, second})
    ASSERT_TRUE(commands_->execute(bindings, {}).ok());
  uint64_t before = device_->info().blockingCalls;
  uint64_t launches = fake_.calls("cuLaunchKernelEx");
  for (int i = 0; i < 10; ++i)
    for (auto bindings : {first, second})
      ASSERT_TRUE(commands_->execute(bindings, {}).ok());
  EXPECT_EQ(device_->info().blockingCalls, before);
  if (isFake()) {
    EXPECT_EQ(fake_.calls("cuLaunchKernelEx"), launches);
  }
  std::array<float, 8> out = {};
  ASSERT_TRUE(
      device_->download(std::as_writable_bytes(std::span(out)), second[1])
          .ok());
  EXPECT_EQ(out[3], 2.0f);
}

TEST_P(CudaTest, ManyBindingsTakeTurns) {
  recordAddOne();
  std::byte* in = allocate(32);
  for (int round = 0; round < 3; ++round)
    for (int i = 0; i < 7; ++i) {
      if (round == 0)
        allocate(32);
      std::array bindings = {in, memory_[1 + static_cast<size_t>(i)].data()};
      ASSERT_TRUE(commands_->execute(bindings, {}).ok());
    }
  for (size_t i = 1; i < memory_.size(); ++i) {
    std::array<float, 8> out = {};
    ASSERT_TRUE(device_
                    ->download(std::as_writable_bytes(std::span(out)),
                               memory_[i].data())
                    .ok());
    EXPECT_EQ(out[0], 1.0f) << i;
  }
}

TEST_P(CudaTest, LargeSharedMemoryIsAskedFor) {
  std::array slices = {floats(0, 8), floats(1, 8)};
  Grid large = oneBlock(kOne);
  large.sharedBytes = 150 << 10;
  Grid small = oneBlock(kOne);
  small.sharedBytes = 60 << 10; // must not lower what `large` asked for
  ASSERT_TRUE(launch("addOne", slices, large).ok());
  ASSERT_TRUE(launch("addOne", slices, small).ok());
  ASSERT_TRUE(commands_->finish().ok());
  std::array bindings = {allocate(32), allocate(32)};
  Status status = commands_->execute(bindings, {});
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(device_->synchronize().ok());
}

// These ask what a card cannot be asked, or would not survive.
class FakeCudaTest : public CudaTest {};

TEST_P(FakeCudaTest, OnlyKernelsAfterKernelsOverlap) {
  std::array slices = {floats(0, 8), floats(1, 8)};
  Grid grid = oneBlock(kOne);
  grid.overlaps = true;
  ASSERT_TRUE(launch("addOne", slices, grid).ok()); // the first
  ASSERT_TRUE(launch("addOne", slices, grid).ok()); // overlaps
  ASSERT_TRUE(commands_->collective(slices[0], Reduction::kSum).ok());
  ASSERT_TRUE(launch("addOne", slices, grid).ok()); // overlaps
  ASSERT_TRUE(commands_->copy(slices[0], slices[1]).ok());
  ASSERT_TRUE(launch("addOne", slices, grid).ok()); // after a copy
  grid.overlaps = false;
  ASSERT_TRUE(launch("addOne", slices, grid).ok()); // does not want to
  ASSERT_TRUE(commands_->finish().ok());
  std::array bindings = {allocate(32), allocate(32)};
  uint64_t before = fake_.overlaps();
  ASSERT_TRUE(commands_->execute(bindings, {}).ok());
  EXPECT_EQ(fake_.overlaps() - before, 2u);
  std::array<double, 7> seconds = {};
  ExecuteOptions options;
  options.seconds = seconds;
  ASSERT_TRUE(commands_->execute(bindings, options).ok());
  EXPECT_EQ(fake_.overlaps() - before, 2u) << "nothing overlaps when timed";
  EXPECT_FLOAT_EQ(static_cast<float>(seconds[0]), 0.002f);
}

TEST_P(FakeCudaTest, WideClustersAreAskedFor) {
  std::array slices = {floats(0, 8), floats(1, 8)};
  Grid grid = oneBlock(kOne);
  grid.blocks[0] = 16;
  grid.cluster = 16;
  ASSERT_TRUE(launch("addOne", slices, grid).ok());
  ASSERT_TRUE(commands_->finish().ok());
  std::array bindings = {allocate(32), allocate(32)};
  Status status = commands_->execute(bindings, {});
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST_P(FakeCudaTest, LostDeviceKeepsItsFirstError) {
  Operand slice = floats(0, 8);
  Grid grid = oneBlock(kOne);
  grid.constants = {};
  ASSERT_TRUE(launch("crash", {&slice, 1}, grid).ok());
  ASSERT_TRUE(commands_->finish().ok());
  std::array bindings = {allocate(32)};
  ASSERT_TRUE(commands_->execute(bindings, {}).ok());
  Status first = device_->synchronize();
  expectMessage(first, Code::kUnavailable,
                {"device lost", "cuda:0", "CUDA_ERROR_ILLEGAL_ADDRESS",
                 "BURIN_CUDA_EAGER=1"});
  EXPECT_EQ(device_->synchronize().message(), first.message());
  EXPECT_EQ(device_->allocate(4).status().message(), first.message());
  EXPECT_EQ(commands_->execute(bindings, {}).message(), first.message());
  std::array<std::byte, 4> bytes = {};
  EXPECT_EQ(device_->upload(bindings[0], bytes).message(), first.message());
  EXPECT_EQ(device_->download(bytes, bindings[0]).message(), first.message());
  EXPECT_EQ(image_->find("addOne").status().message(), first.message());
}

TEST_P(FakeCudaTest, EagerErrorNamesItsCommand) {
  commands_.reset();
  image_.reset();
  setenv("BURIN_CUDA_EAGER", "1", 1);
  open();
  unsetenv("BURIN_CUDA_EAGER");
  Operand slice = floats(0, 8);
  Grid grid = oneBlock(kOne);
  grid.constants = {};
  ASSERT_TRUE(commands_->fill(slice, 0).ok());
  ASSERT_TRUE(launch("crash", {&slice, 1}, grid).ok());
  ASSERT_TRUE(commands_->fill(slice, 0).ok());
  ASSERT_TRUE(commands_->finish().ok());
  std::array bindings = {allocate(32)};
  size_t failed = SIZE_MAX;
  ExecuteOptions options;
  options.failed = &failed;
  expectMessage(commands_->execute(bindings, options), Code::kUnavailable,
                {"command 1", "device lost"});
  EXPECT_EQ(failed, 1u);
}

TEST_P(FakeCudaTest, EveryDriverCallMayFail) {
  recordAddOne();
  std::array bindings = {allocate(32), allocate(32)};
  std::array<std::byte, 4> bytes = {};
  for (const char* symbol :
       {"cuStreamBeginCapture_v2", "cuLaunchKernelEx", "cuStreamEndCapture",
        "cuGraphInstantiateWithFlags", "cuGraphUpload", "cuGraphLaunch"}) {
    commands_ = device_->createCommandBuffer();
    recordAddOne();
    fake_.fail(symbol, 2, 0);
    expectMessage(commands_->execute(bindings, {}), Code::kOutOfMemory,
                  {"CUDA_ERROR_OUT_OF_MEMORY"});
    fake_.fail(nullptr, 0, 0);
    Status again = commands_->execute(bindings, {});
    EXPECT_TRUE(again.ok()) << symbol << ": " << again.message();
  }
  fake_.fail("cuMemAllocHost_v2", 2, 1);
  EXPECT_FALSE(device_->upload(bindings[0], bytes).ok());
  EXPECT_TRUE(device_->upload(bindings[0], bytes).ok());
  fake_.fail("cuModuleLoadDataEx", 209, 0);
  expectMessage(device_->loadImage(source("sm_80")).status(),
                Code::kUnavailable, {"sm_80", "compile for sm_90a"});
  std::string garbage = "garbage";
  ImageSource damaged = source("sm_80");
  damaged.code = std::as_bytes(std::span(garbage));
  expectMessage(device_->loadImage(damaged).status(), Code::kInternal,
                {"ptxas: no .version"});
}

TEST_P(FakeCudaTest, NothingIsLeftBehind) {
  commands_.reset();
  image_.reset();
  device_.reset();
  size_t before = fake_.objects();
  open();
  recordAddOne();
  std::array bindings = {allocate(32), allocate(32)};
  std::array<double, 1> seconds = {};
  ExecuteOptions options;
  options.seconds = seconds;
  ASSERT_TRUE(device_->upload(bindings[0], {bindings.data()[0], 0}).ok());
  ASSERT_TRUE(commands_->execute(bindings, {}).ok());
  ASSERT_TRUE(commands_->execute(bindings, options).ok());
  EXPECT_GT(fake_.objects(), before);
  commands_.reset();
  image_.reset();
  memory_.clear();
  device_.reset();
  EXPECT_EQ(fake_.objects(), before);
}

constexpr const char* kCard = "libcuda.so.1";
std::string driverName(const testing::TestParamInfo<const char*>& info) {
  return std::string(info.param) == kCard ? "card" : "fake";
}
INSTANTIATE_TEST_SUITE_P(Drivers, CudaTest,
                         testing::Values(BURIN_FAKE_CUDA, kCard), driverName);
INSTANTIATE_TEST_SUITE_P(Drivers, FakeCudaTest,
                         testing::Values(BURIN_FAKE_CUDA), driverName);

} // namespace
} // namespace burin::conformance
