// SPDX-License-Identifier: Apache-2.0
// The life of a program: load, bind, prepare, run.
#include "runtime/program/program.h"

#include <algorithm>

#include "runtime/program/function.h"

namespace burin {
namespace {

constexpr std::string_view kPrepare = "prepare";

std::string describe(DType dtype, std::span<const int64_t> shape) {
  return std::string(name(dtype)) + toString(shape);
}

ImageKind imageKind(module::ImageKind kind) {
  return static_cast<ImageKind>(kind);
}

// What is wrong with the tensor found for a constant; empty when it fits.
std::string misfit(const module::Constant& constant,
                   const Result<TensorView>& found) {
  std::string name = "'" + constant.name()->str() + "'";
  if (!found.ok())
    return name + ": " + found.status().message();
  DType dtype = module::dtypeOf(constant.dtype());
  Shape shape = module::shapeOf(*constant.shape());
  if (found->dtype != dtype || !std::ranges::equal(found->shape, shape))
    return name + " is " + describe(found->dtype, found->shape) +
           ", the model needs " + describe(dtype, shape);
  auto bytes = static_cast<size_t>(*byteCount(dtype, shape));
  if (found->data.size() != bytes)
    return name + " has " + std::to_string(found->data.size()) +
           " bytes of data, its shape needs " + std::to_string(bytes);
  if (reinterpret_cast<uintptr_t>(found->data.data()) % byteSize(dtype) != 0)
    return name + " does not lie on a boundary of its element size";
  return {};
}

// The tensor for `spec` among those a caller gave, with everything checked.
template <typename View>
Result<const View*> matchOne(const TensorSpec& spec,
                             std::span<const View> views, const char* what) {
  for (const View& view : views) {
    if (view.name != spec.name)
      continue;
    auto label = [&] { return std::string(what) + " '" + spec.name + "'"; };
    if (view.dtype != spec.dtype || !std::ranges::equal(view.shape, spec.shape))
      return invalidArgument(
          label() + " is " + describe(view.dtype, view.shape) +
          ", the function needs " + describe(spec.dtype, spec.shape));
    size_t bytes = view.data.size();
    if (bytes != static_cast<size_t>(*byteCount(spec.dtype, spec.shape)))
      return invalidArgument(label() + " has " + std::to_string(bytes) +
                             " bytes of data, which do not fit " +
                             describe(spec.dtype, spec.shape));
    if (reinterpret_cast<uintptr_t>(view.data.data()) % byteSize(spec.dtype))
      return invalidArgument(label() +
                             " does not lie on a boundary of its element size");
    return &view;
  }
  return notFound(std::string(what) + " '" + spec.name + "' " +
                  describe(spec.dtype, spec.shape) + " is missing");
}

template <typename View>
Status checkNoExtra(std::span<const TensorSpec> specs,
                    std::span<const View> views, const char* what) {
  if (views.size() == specs.size())
    return okStatus();
  std::string known;
  for (const TensorSpec& spec : specs)
    known += (known.empty() ? "'" : ", '") + spec.name + "'";
  return invalidArgument("the function takes " + std::to_string(specs.size()) +
                         " " + what + "s (" + known + "), " +
                         std::to_string(views.size()) + " are given");
}

} // namespace

Program::Program(Device& device) : device_(device) {}
Program::~Program() = default;

Result<std::unique_ptr<Program>>
Program::load(std::span<const std::byte> module, Device& device) {
  std::unique_ptr<Program> program(new Program(device));
  BURIN_ASSIGN(program->module_, module::read(module));
  BURIN_TRY(program->loadModule());
  return program;
}

Result<std::vector<KernelHandle>> Program::loadKernels() {
  for (const module::Image* image : *module_->images()) {
    BURIN_ASSIGN(auto loaded,
                 device_.loadImage({imageKind(image->kind()),
                                    image->target()->string_view(),
                                    {reinterpret_cast<const std::byte*>(
                                         image->data()->data()),
                                     image->data()->size()}}));
    images_.push_back(std::move(loaded));
  }
  std::vector<KernelHandle> kernels;
  for (const module::Kernel* kernel : *module_->kernels()) {
    BURIN_ASSIGN(KernelHandle handle,
                 images_[kernel->image()]->find(kernel->symbol()->str()));
    kernels.push_back(handle);
  }
  return kernels;
}

Status Program::allocateStates() {
  // One allocation, so that small states do not each take a large page.
  constexpr uint64_t kAlignment = 64;
  uint64_t bytes = 0;
  for (const module::State* state : *module_->states()) {
    stateOffsets_.push_back(static_cast<int64_t>(bytes));
    bytes += (state->bytes() + kAlignment - 1) / kAlignment * kAlignment;
  }
  BURIN_ASSIGN(states_, device_.allocate(bytes));
  return okStatus();
}

Status Program::loadModule() {
  BURIN_ASSIGN(auto kernels, loadKernels());
  BURIN_TRY(allocateStates().within("states"));
  uint64_t arena = 0;
  for (const module::Function* function : *module_->functions())
    arena = std::max(arena, function->arena_bytes());
  auto allocated = device_.allocate(arena);
  if (!allocated.ok())
    return allocated.status().within("working memory");
  arena_ = *std::move(allocated);

  RecordContext context = {*module_, kernels, stateOffsets_};
  uint32_t constants = module_->constants()->size();
  for (const module::Function* source : *module_->functions()) {
    auto function = std::make_unique<Function>();
    function->info.index = functions_.size();
    function->layout = {source->inputs()->size(), source->outputs()->size(),
                        constants};
    function->commands = device_.createCommandBuffer();
    function->lastRead.assign(constants, Function::kNever);
    function->bindings.assign(function->layout.count(), nullptr);
    function->bindings[BindingLayout::kArena] = arena_.data();
    function->bindings[BindingLayout::kStates] = states_.data();
    BURIN_TRY(recordFunction(*source, context, function->info, function->layout,
                             *function->commands, function->lastRead,
                             function->reads));
    functions_.push_back(std::move(function));
  }
  return device_.sharesMemory() ? okStatus() : allocateTransfers();
}

bool Program::isResident(uint32_t constant) const {
  return std::ranges::any_of(functions_, [&](const auto& function) {
    return function->info.name != kPrepare &&
           function->lastRead[constant] != Function::kNever;
  });
}

Status Program::Function::locate(const Status& status, size_t failed) const {
  if (failed >= info.steps.size())
    return status;
  return status.within("layer '" + std::string(info.steps[failed].location) +
                       "'");
}

Status Program::execute(Function& function, const ExecuteOptions& options) {
  ExecuteOptions located = options;
  size_t failed = SIZE_MAX;
  located.failed = &failed;
  Status status = function.commands->execute(function.bindings, located);
  if (options.failed)
    *options.failed = failed;
  return function.locate(status, failed);
}

Status Program::bind(const ConstantLookup& lookup) {
  std::vector<TensorView> bound;
  std::string problems;
  size_t count = 0;
  for (const module::Constant* constant : *module_->constants()) {
    Result<TensorView> found = lookup(constant->name()->string_view());
    std::string problem = misfit(*constant, found);
    if (problem.empty())
      bound.push_back(*found);
    else if (++count <= kListed)
      problems += "\n  " + problem;
  }
  if (count > kListed)
    problems += "\n  and " + std::to_string(count - kListed) + " more";
  if (count > 0)
    return invalidArgument(
        std::to_string(count) + " of the " +
        std::to_string(module_->constants()->size()) +
        " tensors that the model needs do not fit; use the checkpoint that "
        "the module was compiled for:" +
        problems);
  constants_ = std::move(bound);
  if (!device_.sharesMemory())
    BURIN_TRY(uploadConstants());
  else
    for (auto& function : functions_)
      for (uint32_t i = 0; i < constants_.size(); ++i)
        function->bindings[function->layout.constant(i)] =
            const_cast<std::byte*>(constants_[i].data.data());
  stage_ = Stage::kBound;
  return okStatus();
}

Program::Function* Program::prepareFunction() const {
  for (const auto& function : functions_)
    if (function->info.name == kPrepare)
      return function.get();
  return nullptr;
}

Status Program::prepare(const PrepareOptions& options) {
  if (stage_ == Stage::kLoaded)
    return invalidArgument("bind the program's constants before preparing it");
  Function* prepare = prepareFunction();
  if (prepare && !device_.sharesMemory()) {
    BURIN_TRY(prepareInRanges(*prepare, options));
  } else if (prepare) {
    // The constants that each step is the last of the whole program to read.
    std::vector<std::vector<uint32_t>> dead(prepare->info.steps.size());
    for (uint32_t i = 0; i < constants_.size(); ++i)
      if (!isResident(i) && prepare->lastRead[i] != Function::kNever)
        dead[prepare->lastRead[i]].push_back(i);
    ExecuteOptions watched;
    watched.progress = [&](size_t done, size_t total) {
      if (options.release)
        for (uint32_t constant : dead[done - 1])
          options.release(constants_[constant]);
      return !options.progress || options.progress(done, total);
    };
    BURIN_TRY(execute(*prepare, watched));
  }
  stage_ = Stage::kPrepared;
  return okStatus();
}

Status Program::run(const FunctionInfo& info,
                    std::span<const TensorView> inputs,
                    std::span<const OutputView> outputs,
                    const ExecuteOptions& options) {
  if (stage_ != Stage::kPrepared)
    return invalidArgument("prepare the program before running it");
  Function& function = *functions_[info.index];
  BURIN_TRY(match(function, inputs, outputs));
  return device_.sharesMemory() ? execute(function, options)
                                : runWithTransfers(function, options);
}

// Binds the host's tensors, after checking them.
Status Program::match(Function& function, std::span<const TensorView> inputs,
                      std::span<const OutputView> outputs) {
  const FunctionInfo& info = function.info;
  for (uint32_t i = 0; i < info.inputs.size(); ++i) {
    BURIN_ASSIGN(const TensorView* view,
                 matchOne(info.inputs[i], inputs, "input"));
    function.bindings[function.layout.input(i)] =
        const_cast<std::byte*>(view->data.data());
  }
  BURIN_TRY(checkNoExtra<TensorView>(info.inputs, inputs, "input"));
  for (uint32_t i = 0; i < info.outputs.size(); ++i) {
    BURIN_ASSIGN(const OutputView* view,
                 matchOne(info.outputs[i], outputs, "output"));
    function.bindings[function.layout.output(i)] = view->data.data();
  }
  return checkNoExtra<OutputView>(info.outputs, outputs, "output");
}

Status Program::enqueue(const FunctionInfo& info,
                        std::span<std::byte* const> inputs,
                        std::span<std::byte* const> outputs,
                        const ExecuteOptions& options) {
  if (stage_ != Stage::kPrepared)
    return invalidArgument("prepare the program before running it");
  Function& function = *functions_[info.index];
  if (inputs.size() != info.inputs.size() ||
      outputs.size() != info.outputs.size())
    return invalidArgument(
        "the function takes " + std::to_string(info.inputs.size()) +
        " inputs and gives " + std::to_string(info.outputs.size()) +
        " outputs, " + std::to_string(inputs.size()) + " and " +
        std::to_string(outputs.size()) + " are given");
  for (uint32_t i = 0; i < inputs.size(); ++i)
    function.bindings[function.layout.input(i)] = inputs[i];
  for (uint32_t i = 0; i < outputs.size(); ++i)
    function.bindings[function.layout.output(i)] = outputs[i];
  return execute(function, options);
}

Result<const FunctionInfo*> Program::find(std::string_view name) const {
  std::string known;
  for (const FunctionInfo* function : functions()) {
    if (function->name == name)
      return function;
    known += (known.empty() ? "'" : ", '") + std::string(function->name) + "'";
  }
  return notFound("the module has no function '" + std::string(name) +
                  "'; it has " + (known.empty() ? "none" : known));
}

std::vector<const FunctionInfo*> Program::functions() const {
  std::vector<const FunctionInfo*> all;
  for (const auto& function : functions_)
    if (function->info.name != kPrepare)
      all.push_back(&function->info);
  return all;
}

} // namespace burin
