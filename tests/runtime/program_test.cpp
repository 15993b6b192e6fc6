// SPDX-License-Identifier: Apache-2.0
// A hand-made module goes through load, bind, prepare and run.
#include "runtime/program/program.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "formats/module/module.h"
#include "runtime/device/cpu/cpu_device.h"
#include "runtime/device/cuda/cuda_device.h"
#include "runtime/program/profile.h"
#include "tests/conformance/fake_cuda.h"
#include "tests/runtime/count_allocations.h"

namespace burin {
namespace {

enum class For { kCpu, kCuda };

// Puts a module together, returning the index of each part.
class ModuleMaker {
public:
  explicit ModuleMaker(For device = For::kCpu) : device_(device) {
    bool cuda = device == For::kCuda;
    module_.abi = module::kAbi;
    module_.producer = "program_test";
    std::ifstream file(cuda ? BURIN_TEST_PTX : BURIN_TEST_KERNELS,
                       std::ios::binary);
    auto image = std::make_unique<module::ImageT>();
    image->kind = cuda ? module::ImageKind::Ptx : module::ImageKind::CpuElf;
    image->target = cuda ? "sm_80" : "x86-64-v3";
    image->data.assign(std::istreambuf_iterator<char>(file), {});
    module_.images.push_back(std::move(image));
    kernel("addOne");
  }

  void kernel(const std::string& symbol) {
    auto kernel = std::make_unique<module::KernelT>();
    kernel->symbol = symbol;
    module_.kernels.push_back(std::move(kernel));
  }

  void constant(const std::string& name, std::vector<int64_t> shape) {
    auto constant = std::make_unique<module::ConstantT>();
    constant->name = name;
    constant->dtype = module::DType::F32;
    constant->shape = std::move(shape);
    module_.constants.push_back(std::move(constant));
  }
  void state(const std::string& name, uint64_t bytes) {
    auto state = std::make_unique<module::StateT>();
    state->name = name;
    state->bytes = bytes;
    module_.states.push_back(std::move(state));
  }
  module::FunctionT& function(const std::string& name) {
    auto function = std::make_unique<module::FunctionT>();
    function->name = name;
    module_.functions.push_back(std::move(function));
    return *module_.functions.back();
  }
  static std::unique_ptr<module::ValueT> value(const std::string& name,
                                               std::vector<int64_t> shape) {
    auto value = std::make_unique<module::ValueT>();
    value->name = name;
    value->dtype = module::DType::F32;
    value->shape = std::move(shape);
    return value;
  }
  // A dense slice of 8-float rows.
  static uint32_t slice(module::FunctionT& function, module::Storage storage,
                        uint32_t index, int64_t rows) {
    auto slice = std::make_unique<module::SliceT>();
    slice->storage = storage;
    slice->index = index;
    slice->dtype = module::DType::F32;
    slice->shape = {rows, 8};
    slice->pitch = 8;
    function.slices.push_back(std::move(slice));
    return static_cast<uint32_t>(function.slices.size() - 1);
  }
  template <typename Verb>
  static void step(module::FunctionT& function, const std::string& location,
                   Verb verb) {
    auto step = std::make_unique<module::StepT>();
    step->location = location;
    step->flops = 7;
    step->bytes = 9;
    step->verb.Set(std::move(verb));
    function.steps.push_back(std::move(step));
  }
  void addOne(module::FunctionT& function, uint32_t from, uint32_t to,
              int64_t rows) const {
    launch(function, "add", 0, {from, to}, rows);
  }
  void launch(module::FunctionT& function, const std::string& location,
              uint32_t kernel, std::vector<uint32_t> slices,
              int64_t rows) const {
    module::LaunchT launch;
    launch.kernel = kernel;
    launch.slices = std::move(slices);
    launch.work_items = rows;
    if (device_ == For::kCuda) {
      launch.grid = std::make_unique<module::GridT>();
      launch.grid->blocks = {1, 1, 1};
      launch.grid->threads = 32;
      launch.grid->cluster = 1;
      launch.grid->constants.resize(sizeof(rows));
      std::memcpy(launch.grid->constants.data(), &rows, sizeof(rows));
    }
    step(function, location, std::move(launch));
  }
  static void copy(module::FunctionT& function, uint32_t from, uint32_t to) {
    module::CopyT copy;
    copy.source = from;
    copy.target = to;
    step(function, "copy", copy);
  }

  std::vector<std::byte> bytes() const {
    auto bytes = module::write(module_);
    EXPECT_TRUE(bytes.ok()) << bytes.status().message();
    return *std::move(bytes);
  }
  module::ModuleT& module() { return module_; }

private:
  For device_;
  module::ModuleT module_;
};

// prepare: state = packed + 1.    forward: y = bias; z = state + 1 (through
// the arena), x is read by a copy to the arena.
std::vector<std::byte> sampleModule(For device = For::kCpu) {
  using module::Storage;
  ModuleMaker maker(device);
  maker.constant("packed", {2, 8});
  maker.constant("bias", {1, 8});
  maker.state("unused", 4);
  maker.state("weights", 2 * 8 * sizeof(float));
  module::FunctionT& prepare = maker.function("prepare");
  uint32_t from = maker.slice(prepare, Storage::Constant, 0, 2);
  uint32_t to = maker.slice(prepare, Storage::State, 1, 2);
  maker.addOne(prepare, from, to, 2);

  module::FunctionT& forward = maker.function("forward");
  forward.inputs.push_back(maker.value("x", {2, 8}));
  forward.outputs.push_back(maker.value("y", {1, 8}));
  forward.outputs.push_back(maker.value("z", {2, 8}));
  forward.outputs.push_back(maker.value("w", {2, 8}));
  forward.arena_bytes = 4 * 8 * sizeof(float);
  uint32_t x = maker.slice(forward, Storage::Input, 0, 2);
  uint32_t y = maker.slice(forward, Storage::Output, 0, 1);
  uint32_t z = maker.slice(forward, Storage::Output, 1, 2);
  uint32_t w = maker.slice(forward, Storage::Output, 2, 2);
  uint32_t bias = maker.slice(forward, Storage::Constant, 1, 1);
  uint32_t weights = maker.slice(forward, Storage::State, 1, 2);
  uint32_t arena = maker.slice(forward, Storage::Arena, 0, 2);
  maker.copy(forward, bias, y);
  maker.addOne(forward, weights, arena, 2);
  maker.copy(forward, arena, z);
  maker.addOne(forward, x, w, 2);
  return maker.bytes();
}

class ProgramTest : public testing::Test {
protected:
  ProgramTest() : device_(createCpuDevice({2, nullptr})) {
    for (size_t i = 0; i < 16; ++i)
      packed_[i] = static_cast<float>(i);
    bias_.fill(0.5f);
    give("packed", {2, 8}, packed_);
    give("bias", {1, 8}, bias_);
  }

  void give(const std::string& name, Shape shape, std::span<float> data) {
    auto stored = shapes_.insert_or_assign(name, std::move(shape)).first;
    tensors_[name] = {stored->first, DType::kF32, stored->second,
                      std::as_bytes(data)};
  }

  Program::ConstantLookup lookup() {
    return [this](std::string_view name) -> Result<TensorView> {
      auto found = tensors_.find(std::string(name));
      if (found == tensors_.end())
        return notFound("no such tensor");
      return found->second;
    };
  }

  std::unique_ptr<Program> load() {
    auto program = Program::load(module_, *device_);
    EXPECT_TRUE(program.ok()) << program.status().message();
    return *std::move(program);
  }

  std::unique_ptr<Program> ready() {
    auto program = load();
    EXPECT_TRUE(program->bind(lookup()).ok());
    EXPECT_TRUE(program->prepare({}).ok());
    return program;
  }

  std::vector<TensorView> inputs() {
    return {{"x", DType::kF32, kTwoRows, std::as_bytes(std::span(x_))}};
  }
  std::vector<OutputView> outputs() {
    // Not in the function's order: names decide.
    return {
        {"w", DType::kF32, kTwoRows, std::as_writable_bytes(std::span(w_))},
        {"y", DType::kF32, kOneRow, std::as_writable_bytes(std::span(y_))},
        {"z", DType::kF32, kTwoRows, std::as_writable_bytes(std::span(z_))}};
  }

  static constexpr std::array<int64_t, 2> kTwoRows = {2, 8};
  static constexpr std::array<int64_t, 2> kOneRow = {1, 8};
  std::vector<std::byte> module_ = sampleModule();
  std::unique_ptr<Device> device_;
  std::array<float, 16> packed_, x_{}, z_{}, w_{};
  std::array<float, 8> bias_, y_{};
  std::map<std::string, Shape> shapes_;
  std::map<std::string, TensorView> tensors_;
};

void expectMessage(const Status& status, std::vector<std::string> parts) {
  ASSERT_FALSE(status.ok());
  for (const std::string& part : parts)
    EXPECT_NE(status.message().find(part), std::string::npos)
        << "'" << part << "' is not in: " << status.message();
}

TEST_F(ProgramTest, RunsAfterPrepare) {
  auto program = ready();
  auto forward = program->find("forward");
  ASSERT_TRUE(forward.ok());
  x_.fill(4.0f);
  for (int repeat = 0; repeat < 3; ++repeat) {
    Status status = program->run(**forward, inputs(), outputs());
    ASSERT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(z_[i], static_cast<float>(i) + 2);
      EXPECT_EQ(w_[i], 5.0f);
    }
    EXPECT_EQ(y_[7], 0.5f);
    y_.fill(0), z_.fill(0), w_.fill(0);
  }
  EXPECT_EQ(program->arenaBytes(), 128u);
  EXPECT_EQ(program->stateBytes(), 128u); // two states at multiples of 64
}

TEST_F(ProgramTest, RunAllocatesNothing) {
  auto program = ready();
  const FunctionInfo& forward = *program->functions()[0];
  auto in = inputs();
  auto out = outputs();
  ExecuteOptions options;
  std::vector<double> seconds(forward.steps.size());
  options.seconds = seconds;
  size_t before = allocationCount();
  EXPECT_GT(before, 0u);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(program->run(forward, in, out, options).ok());
  EXPECT_EQ(allocationCount(), before);
}

TEST_F(ProgramTest, DescribesItsFunctions) {
  auto program = load();
  ASSERT_EQ(program->functions().size(), 1u); // prepare is not for callers
  const FunctionInfo& forward = *program->functions()[0];
  EXPECT_EQ(forward.name, "forward");
  EXPECT_EQ(forward.inputs[0].name, "x");
  EXPECT_EQ(forward.outputs[2].name, "w");
  ASSERT_EQ(forward.steps.size(), 4u);
  EXPECT_EQ(forward.steps[0].verb, "copy");
  EXPECT_EQ(forward.steps[0].kernel, "");
  EXPECT_EQ(forward.steps[1].verb, "launch");
  EXPECT_EQ(forward.steps[1].kernel, "addOne");
  EXPECT_EQ(forward.steps[1].location, "add");
  EXPECT_EQ(forward.steps[1].flops, 7u);
  EXPECT_EQ(forward.steps[1].bytes, 9u);
  expectMessage(program->find("backward").status(),
                {"'backward'", "'forward'"});
}

TEST_F(ProgramTest, OrderOfLifeIsChecked) {
  auto program = load();
  const FunctionInfo& forward = *program->functions()[0];
  expectMessage(program->prepare({}), {"bind"});
  expectMessage(program->run(forward, inputs(), outputs()), {"prepare"});
  ASSERT_TRUE(program->bind(lookup()).ok());
  expectMessage(program->run(forward, inputs(), outputs()), {"prepare"});
}

TEST_F(ProgramTest, BindListsWhatDoesNotFit) {
  auto program = load();
  tensors_.erase("packed");
  shapes_["bias"] = {8};
  tensors_["bias"].shape = shapes_["bias"];
  expectMessage(program->bind(lookup()),
                {"2 of the 2 tensors", "'packed': no such tensor",
                 "'bias' is f32[8], the model needs f32[1,8]"});
  tensors_["bias"].dtype = DType::kBF16;
  expectMessage(program->bind(lookup()), {"'bias' is bf16[8]"});
}

TEST_F(ProgramTest, BindChecksBytes) {
  auto program = load();
  tensors_["bias"].data = tensors_["bias"].data.first(31);
  expectMessage(program->bind(lookup()), {"'bias' has 31 bytes"});
  alignas(8) std::array<std::byte, 40> odd{};
  tensors_["bias"].data = std::span(odd).subspan(1, 32);
  expectMessage(program->bind(lookup()), {"'bias'", "boundary"});
}

TEST_F(ProgramTest, BindCutsLongLists) {
  ModuleMaker maker;
  for (int i = 0; i < 25; ++i)
    maker.constant("layer" + std::to_string(i), {1});
  module_ = maker.bytes();
  auto program = load();
  Status status = program->bind(lookup());
  expectMessage(status, {"25 of the 25", "'layer9'", "and 15 more"});
  EXPECT_EQ(status.message().find("'layer10'"), std::string::npos);
}

TEST_F(ProgramTest, PrepareReleasesWhatOnlyItReads) {
  auto program = load();
  ASSERT_TRUE(program->bind(lookup()).ok());
  std::vector<std::string> released;
  size_t steps = 0;
  PrepareOptions options;
  options.release = [&](const TensorView& tensor) {
    released.emplace_back(tensor.name);
  };
  options.progress = [&](size_t done, size_t total) {
    steps = done;
    return total == 1;
  };
  ASSERT_TRUE(program->prepare(options).ok());
  EXPECT_EQ(released, std::vector<std::string>{"packed"});
  EXPECT_EQ(steps, 1u);
}

TEST_F(ProgramTest, RunChecksTensors) {
  auto program = ready();
  const FunctionInfo& forward = *program->functions()[0];
  auto in = inputs();
  auto out = outputs();
  auto run = [&] { return program->run(forward, in, out); };
  in[0].name = "X";
  expectMessage(run(), {"input 'x' f32[2,8] is missing"});
  in = inputs();
  in[0].dtype = DType::kI32;
  expectMessage(run(), {"input 'x' is i32[2,8]", "f32[2,8]"});
  in = inputs();
  in[0].shape = kOneRow;
  expectMessage(run(), {"input 'x' is f32[1,8]", "f32[2,8]"});
  in = inputs();
  in[0].data = in[0].data.first(8);
  expectMessage(run(), {"input 'x' has 8 bytes"});
  in = inputs();
  in.push_back(in[0]);
  expectMessage(run(), {"takes 1 inputs ('x')", "2 are given"});
  in = inputs();
  out.pop_back();
  expectMessage(run(), {"output 'z' f32[2,8] is missing"});
}

TEST_F(ProgramTest, ProfileSumsByKey) {
  auto program = ready();
  const FunctionInfo& forward = *program->functions()[0];
  std::vector<double> seconds(forward.steps.size());
  ExecuteOptions options;
  options.seconds = seconds;
  ASSERT_TRUE(program->run(forward, inputs(), outputs(), options).ok());
  for (double step : seconds)
    EXPECT_GT(step, 0);
  seconds = {1, 2, 3, 4};
  auto rows = profileByKernel(forward.steps, seconds);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].key, "addOne");
  EXPECT_EQ(rows[0].seconds, 6);
  EXPECT_EQ(rows[0].steps, 2u);
  EXPECT_EQ(rows[0].flops, 14u);
  EXPECT_EQ(rows[0].bytes, 18u);
  EXPECT_EQ(rows[1].key, "copy");
  EXPECT_EQ(profileByLocation(forward.steps, seconds)[0].key, "add [addOne]");
}

TEST_F(ProgramTest, ProfileNamesKernelsWithoutTheirNumbers) {
  const std::vector<StepInfo> steps = {
      {"", "launch", "rows_12", 0, 0},
      {"", "launch", "rows_9f3a00c1", 0, 0},
      {"", "launch", "group_norm_bf16_x", 0, 0},
      {"", "call", "contract.bf16", 0, 0},
      {"", "copy", "", 0, 0}};
  EXPECT_EQ(kernelOf(steps[0]), "rows");
  EXPECT_EQ(kernelOf(steps[1]), "rows");
  EXPECT_EQ(kernelOf(steps[2]), "group_norm_bf16_x");
  EXPECT_EQ(kernelOf(steps[3]), "contract.bf16");
  EXPECT_EQ(kernelOf(steps[4]), "copy");
  const std::vector<double> seconds = {1, 2, 5, 4, 6};
  auto rows = profileByClass(steps, seconds);
  ASSERT_EQ(rows.size(), 4u);
  const std::vector<std::pair<std::string, double>> expected = {
      {"copy", 6}, {"group", 5}, {"contract", 4}, {"rows", 3}};
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].key, expected[i].first);
    EXPECT_EQ(rows[i].seconds, expected[i].second);
  }
}

TEST_F(ProgramTest, MissingKernelNamesItsStep) {
  ModuleMaker maker;
  module::CallT call;
  call.kernel = "contract.f128";
  module::FunctionT& forward = maker.function("forward");
  maker.step(forward, "unet.conv_in", std::move(call));
  module_ = maker.bytes();
  auto program = Program::load(module_, *device_);
  expectMessage(program.status(), {"function 'forward'", "step 0",
                                   "unet.conv_in", "'contract.f128'"});
}

TEST_F(ProgramTest, ForeignTargetIsRefused) {
  ModuleMaker maker;
  maker.module().images[0]->target = "sm_90a";
  maker.module().images[0]->kind = module::ImageKind::Cubin;
  module_ = maker.bytes();
  expectMessage(Program::load(module_, *device_).status(), {"sm_90a", "CPU"});
}

// On a device with memory of its own: the fake driver's.
class CudaProgramTest : public ProgramTest {
protected:
  CudaProgramTest() {
    module_ = sampleModule(For::kCuda);
    open();
  }
  void open() {
    auto device = createCudaDevice({0, BURIN_FAKE_CUDA});
    EXPECT_TRUE(device.ok()) << device.status().message();
    cuda_ = device->get();
    device_ = *std::move(device);
  }
  // Opens the device again, as BURIN_CUDA_EAGER=1 has it.
  void openEager() {
    setenv("BURIN_CUDA_EAGER", "1", 1);
    open();
    unsetenv("BURIN_CUDA_EAGER");
  }
  // A card that was lost is lost to the whole process.
  void TearDown() override {
    void* fake = dlopen(BURIN_FAKE_CUDA, RTLD_NOW);
    auto* fail =
        reinterpret_cast<decltype(&fakeCudaFail)>(dlsym(fake, "fakeCudaFail"));
    fail(nullptr, 0, 0);
  }
  CudaDevice* cuda_ = nullptr;
};

TEST_F(CudaProgramTest, RunsAfterPrepare) {
  auto program = ready();
  EXPECT_EQ(&program->device(), device_.get());
  const FunctionInfo& forward = *program->functions()[0];
  for (int repeat = 0; repeat < 3; ++repeat) {
    x_.fill(static_cast<float>(repeat));
    Status status = program->run(forward, inputs(), outputs());
    ASSERT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(z_[i], static_cast<float>(i) + 2);
      EXPECT_EQ(w_[i], static_cast<float>(repeat) + 1);
    }
    EXPECT_EQ(y_[7], 0.5f);
    y_.fill(0), z_.fill(0), w_.fill(0);
  }
}

TEST_F(CudaProgramTest, RunAllocatesNothing) {
  auto program = ready();
  const FunctionInfo& forward = *program->functions()[0];
  auto in = inputs();
  auto out = outputs();
  ASSERT_TRUE(program->run(forward, in, out).ok());
  size_t bytes = cuda_->info().peakBytes;
  uint64_t blocking = cuda_->info().blockingCalls;
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(program->run(forward, in, out).ok());
  EXPECT_EQ(cuda_->info().peakBytes, bytes);
  // Each of the three outputs is waited for, and nothing else is.
  EXPECT_EQ(cuda_->info().blockingCalls - blocking, 30u);
}

TEST_F(CudaProgramTest, EnqueueTakesDeviceMemory) {
  auto program = ready();
  const FunctionInfo& forward = *program->functions()[0];
  std::vector<Memory> memory;
  for (int i = 0; i < 4; ++i)
    memory.push_back(*device_->allocate(64));
  x_.fill(7.0f);
  ASSERT_TRUE(
      device_->upload(memory[0].data(), std::as_bytes(std::span(x_))).ok());
  std::array in = {memory[0].data()};
  std::array out = {memory[1].data(), memory[2].data(), memory[3].data()};
  ASSERT_TRUE(program->enqueue(forward, in, out).ok());
  uint64_t blocking = cuda_->info().blockingCalls;
  ASSERT_TRUE(program->enqueue(forward, in, out).ok());
  EXPECT_EQ(cuda_->info().blockingCalls, blocking);
  ASSERT_TRUE(
      device_->download(std::as_writable_bytes(std::span(w_)), memory[3].data())
          .ok());
  EXPECT_EQ(w_[15], 8.0f);
  // A run in between has addresses of its own.
  ASSERT_TRUE(program->run(forward, inputs(), outputs()).ok());
  EXPECT_EQ(w_[15], 8.0f);
}

// Constants that fill the buffer for them several times.
TEST_F(CudaProgramTest, PreparesInPieces) {
  using module::Storage;
  constexpr int64_t kRows = int64_t{16} << 20 >> 5; // 16 MiB each
  constexpr uint32_t kCount = 3;
  ModuleMaker maker(For::kCuda);
  module::FunctionT& prepare = maker.function("prepare");
  for (uint32_t i = 0; i < kCount; ++i) {
    maker.constant("c" + std::to_string(i), {kRows, 8});
    maker.state("s" + std::to_string(i), 32);
  }
  for (uint32_t i : {0, 1, 2, 0}) {
    uint32_t from = maker.slice(prepare, Storage::Constant, i, 1);
    maker.copy(prepare, from, maker.slice(prepare, Storage::State, i, 1));
  }
  module::FunctionT& forward = maker.function("forward");
  for (uint32_t i = 0; i < kCount; ++i) {
    forward.outputs.push_back(maker.value("y" + std::to_string(i), {1, 8}));
    maker.copy(forward, maker.slice(forward, Storage::State, i, 1),
               maker.slice(forward, Storage::Output, i, 1));
  }
  module_ = maker.bytes();
  std::vector<std::vector<float>> data(kCount);
  for (uint32_t i = 0; i < kCount; ++i) {
    data[i].assign(kRows * 8, static_cast<float>(i + 1));
    give("c" + std::to_string(i), {kRows, 8}, data[i]);
  }
  auto program = load();
  ASSERT_TRUE(program->bind(lookup()).ok());
  std::vector<std::string> released;
  std::vector<size_t> progress;
  PrepareOptions options;
  options.temporaryBytes = size_t{33} << 20; // two constants
  options.release = [&](const TensorView& tensor) {
    released.emplace_back(tensor.name);
    // The owner may drop the data.
    std::ranges::fill(data[tensor.name[1] - '0'], -1.0f);
  };
  options.progress = [&](size_t done, size_t) {
    progress.push_back(done);
    return true;
  };
  size_t before = cuda_->info().allocatedBytes;
  Status status = program->prepare(options);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(released, (std::vector<std::string>{"c1", "c2", "c0"}));
  EXPECT_EQ(progress, (std::vector<size_t>{2, 4}));
  EXPECT_EQ(cuda_->info().allocatedBytes, before);
  EXPECT_LE(cuda_->info().peakBytes, before + options.temporaryBytes);
  std::array<std::array<float, 8>, kCount> out = {};
  std::vector<OutputView> views;
  const std::array<std::string, kCount> names = {"y0", "y1", "y2"};
  for (uint32_t i = 0; i < kCount; ++i)
    views.push_back({names[i], DType::kF32, kOneRow,
                     std::as_writable_bytes(std::span(out[i]))});
  ASSERT_TRUE(program->run(*program->functions()[0], {}, views).ok());
  for (uint32_t i = 0; i < kCount; ++i)
    EXPECT_EQ(out[i][5], static_cast<float>(i + 1));
}

TEST_F(CudaProgramTest, ReleasesWhatTheDeviceHolds) {
  auto program = load();
  ASSERT_TRUE(program->bind(lookup()).ok());
  bias_.fill(-1); // is on the device since bind
  std::vector<std::string> released;
  PrepareOptions options;
  options.release = [&](const TensorView& tensor) {
    released.emplace_back(tensor.name);
  };
  ASSERT_TRUE(program->prepare(options).ok());
  EXPECT_EQ(released, (std::vector<std::string>{"bias", "packed"}));
  ASSERT_TRUE(program->run(*program->functions()[0], inputs(), outputs()).ok());
  EXPECT_EQ(y_[0], 0.5f);
}

TEST_F(CudaProgramTest, FailedStepNamesItsLayer) {
  openEager();
  ModuleMaker maker(For::kCuda);
  maker.kernel("crash");
  module::FunctionT& forward = maker.function("forward");
  forward.arena_bytes = 64;
  uint32_t arena = maker.slice(forward, module::Storage::Arena, 0, 1);
  maker.addOne(forward, arena, arena, 1);
  maker.launch(forward, "unet.mid.attention", 1, {arena}, 1);
  module_ = maker.bytes();
  auto program = ready();
  expectMessage(program->run(*program->functions()[0], {}, {}),
                {"layer 'unet.mid.attention'", "command 1", "device lost",
                 "ILLEGAL_ADDRESS"});
  expectMessage(program->run(*program->functions()[0], {}, {}),
                {"device lost", "ILLEGAL_ADDRESS"});
}

} // namespace
} // namespace burin
