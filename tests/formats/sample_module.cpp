// SPDX-License-Identifier: Apache-2.0
// Builds the sample with the schema's object interface.
#include "tests/formats/sample_module.h"

namespace burin::module {

std::unique_ptr<ValueT> value(const std::string& name, DType dtype,
                              std::vector<int64_t> shape) {
  auto result = std::make_unique<ValueT>();
  result->name = name;
  result->dtype = dtype;
  result->shape = std::move(shape);
  return result;
}

std::unique_ptr<SliceT> slice(Storage storage, uint32_t index,
                              uint64_t byteOffset, std::vector<int64_t> shape,
                              int64_t pitch) {
  auto result = std::make_unique<SliceT>();
  result->storage = storage;
  result->index = index;
  result->byte_offset = byteOffset;
  result->dtype = DType::F32;
  result->shape = std::move(shape);
  result->pitch = pitch;
  return result;
}

namespace {
template <typename Table>
void addStep(FunctionT& function, Table verb) {
  auto step = std::make_unique<StepT>();
  step->location = "layer" + std::to_string(function.steps.size());
  step->verb.Set(std::move(verb));
  function.steps.push_back(std::move(step));
}

// Its map covers the 6 rows of 8 floats of kArena.
LaunchT gridLaunch() {
  LaunchT launch;
  launch.kernel = 1;
  launch.slices = {kInput, kArena};
  launch.grid = std::make_unique<GridT>();
  launch.grid->blocks = {4, 3, 1};
  launch.grid->threads = 128;
  launch.grid->cluster = 2;
  launch.grid->constants = {1, 2, 3, 4};
  auto map = std::make_unique<TensorMapT>();
  map->slice = 1;
  map->extents = {8, 6};
  map->strides = {64};
  map->box = {8, 2};
  map->steps = {1, 1};
  map->swizzle = 32;
  launch.grid->maps.push_back(std::move(map));
  return launch;
}

} // namespace

ModuleT sampleModule() {
  ModuleT module;
  module.abi = kAbi;
  module.producer = "module_test";
  auto image = std::make_unique<ImageT>();
  image->target = "x86-64-v3";
  image->data = {0x7f, 'E', 'L', 'F', 2, 1};
  module.images.push_back(std::move(image));
  auto kernel = std::make_unique<KernelT>();
  kernel->symbol = "kernel_0";
  module.kernels.push_back(std::move(kernel));
  auto cubin = std::make_unique<ImageT>();
  cubin->kind = ImageKind::Cubin;
  cubin->target = "sm_90a";
  cubin->data = {0x7f, 'E', 'L', 'F', 2, 1};
  module.images.push_back(std::move(cubin));
  auto onGpu = std::make_unique<KernelT>();
  onGpu->image = 1;
  onGpu->symbol = "kernel_1";
  module.kernels.push_back(std::move(onGpu));
  auto constant = std::make_unique<ConstantT>();
  constant->name = "weight";
  constant->dtype = DType::F32;
  constant->shape = {4, 8};
  module.constants.push_back(std::move(constant));
  auto state = std::make_unique<StateT>();
  state->name = "packed";
  state->bytes = 256;
  module.states.push_back(std::move(state));

  auto function = std::make_unique<FunctionT>();
  function->name = "forward";
  function->inputs.push_back(value("x", DType::F32, {2, 3, 8}));
  function->outputs.push_back(value("y", DType::F32, {2, 3, 8}));
  function->arena_bytes = 1024;
  function->slices.push_back(slice(Storage::Input, 0, 0, {2, 3, 8}, 8));
  function->slices.push_back(slice(Storage::Output, 0, 0, {2, 3, 8}, 8));
  function->slices.push_back(slice(Storage::Constant, 0, 0, {4, 8}, 8));
  function->slices.push_back(slice(Storage::State, 0, 0, {64}, 64));
  function->slices.push_back(slice(Storage::Arena, 0, 32, {2, 3, 8}, 16));
  LaunchT launch;
  launch.slices = {kInput, kArena};
  launch.work_items = 6;
  addStep(*function, std::move(launch));
  CallT call;
  call.kernel = "contract.f32";
  call.slices = {kInput, kState, kArena};
  call.callback_slice = 2;
  call.callbacks = {0};
  call.params = {1, 2};
  addStep(*function, std::move(call));
  CopyT copy;
  copy.source = kArena;
  copy.target = kOutput;
  addStep(*function, std::move(copy));
  FillT fill;
  fill.target = kArena;
  fill.pattern = 0x3f800000;
  addStep(*function, std::move(fill));
  CollectiveT collective;
  collective.target = kState;
  addStep(*function, std::move(collective));
  addStep(*function, gridLaunch());
  module.functions.push_back(std::move(function));

  auto prepare = std::make_unique<FunctionT>();
  prepare->name = "prepare";
  module.functions.push_back(std::move(prepare));
  return module;
}

std::vector<std::byte> writeUnchecked(const ModuleT& module) {
  flatbuffers::FlatBufferBuilder builder;
  FinishModuleBuffer(builder, Module::Pack(builder, &module));
  const auto* data =
      reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {data, data + builder.GetSize()};
}

} // namespace burin::module
