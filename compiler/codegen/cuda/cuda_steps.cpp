// SPDX-License-Identifier: Apache-2.0
// Asks the family of each library op for a plan, prints what the compiler
// generates, and writes launches.
#include "compiler/codegen/cuda/cuda_steps.h"

#include "compiler/codegen/cuda/epilogue.h"
#include "compiler/codegen/cuda/rows.h"
#include "compiler/dialect/inference.h"
#include "compiler/passes/kernels.h"
#include "kernels/cpu/contracts.h"
#include "kernels/cuda/attention/gradient.h"
#include "kernels/cuda/attention/plan.h"
#include "kernels/cuda/contract/plan.h"
#include "kernels/cuda/gather_rows/plan.h"
#include "kernels/cuda/group_norm/plan.h"
#include "kernels/cuda/nvrtc.h"
#include "kernels/cuda/random_normal/plan.h"
#include "kernels/cuda/weight_gradient/plan.h"

#include <numeric>

using namespace mlir;

namespace burin {

namespace cuda = kernels::cuda;
using cuda::LaunchPlan;
using cuda::SliceInfo;

static SliceInfo infoOf(const module::SliceT& slice) {
  int64_t extent = slice.shape.empty() ? 1 : slice.shape.back();
  int64_t rows =
      extent == 0 ? 0 : ShapedType::getNumElements(slice.shape) / extent;
  return {static_cast<DType>(slice.dtype),
          rows,
          extent,
          slice.pitch,
          std::gcd(kBaseAlignment, static_cast<int64_t>(slice.byte_offset)),
          slice.storage == module::Storage::Constant};
}

template <typename T>
static FailureOr<T> check(Result<T> result, Operation* op) {
  if (result.ok())
    return *std::move(result);
  return op->emitOpError(result.status().message());
}

struct CudaSteps::Work {
  RegionOp region;
  FunctionEmitter& function;
  std::vector<uint32_t> slices = {};
  std::vector<SliceInfo> infos = {};

  void add(uint32_t slice) {
    slices.push_back(slice);
    infos.push_back(infoOf(function.slice(slice)));
  }
  Value outside(Value operand) {
    return region.getInputs()[cast<BlockArgument>(operand).getArgNumber()];
  }
};

LogicalResult CudaSteps::addOwnSlices(Work& work, ValueRange values) {
  for (Value value : values) {
    FailureOr<uint32_t> slice = work.function.addSlice(value);
    if (failed(slice))
      return failure();
    work.add(*slice);
  }
  return success();
}

// Prints the region's epilogue and adds its slices after the kernel's own.
FailureOr<cuda::EpilogueText> CudaSteps::epilogueOf(Work& work) {
  std::vector<uint32_t> slices;
  if (failed(work.function.addKernelSlices(work.region, slices)))
    return failure();
  size_t own = work.infos.size();
  for (uint32_t slice : slices)
    work.add(slice);
  auto kernel = kernels_.lookupSymbol<func::FuncOp>(*work.region.getKernel());
  return printEpilogue(kernel, ArrayRef(work.infos).drop_front(own));
}

static bool hasShortcut(const LibraryCall& call) {
  return familyOf(call.kernel) == "contract_shortcut";
}

struct CudaSteps::WeightPart {
  Value weight;
  int64_t firstRow;
  cuda::PackOptions options;

  int64_t rows() const { return shapeOf(weight)[options.transposed ? 1 : 0]; }
};

std::vector<CudaSteps::WeightPart>
CudaSteps::weightParts(Work& work, const LibraryCall& call) {
  ArrayRef<Value> operands = call.operands;
  if (hasShortcut(call))
    return {{work.outside(operands[1]), 0, {}},
            {work.outside(operands[3]), 0, {.shortcut = true}}};
  bool transposed = familyOf(call.packings[0].kernel) == "pack_transposed";
  std::vector<WeightPart> parts;
  int64_t row = 0;
  for (Value operand : operands.drop_front()) {
    parts.push_back({work.outside(operand), row, {.transposed = transposed}});
    row += parts.back().rows();
  }
  return parts;
}

// The slice of the weights packed: filled by `prepare` where they are
// constants, else just before it is used.
FailureOr<uint32_t> CudaSteps::packedWeights(Work& work,
                                             ArrayRef<WeightPart> weights,
                                             const LibraryCall& call,
                                             DType dtype, bool gated) {
  int64_t bytes = cuda::packedContractBytes(call.params, dtype, gated, target_);
  std::string key;
  SmallVector<PackedPart> parts;
  SmallVector<LaunchPlan> plans;
  for (const WeightPart& part : weights) {
    FailureOr<module::SliceT> source = work.function.makeSlice(part.weight);
    FailureOr<LaunchPlan> plan =
        check(cuda::planPackContract(
                  call.params, *dtypeOf(elementOf(part.weight)), part.rows(),
                  part.firstRow, dtype, gated, target_, part.options),
              work.region);
    if (failed(source) || failed(plan))
      return failure();
    plans.push_back(*plan);
    if (source->storage != module::Storage::Constant)
      continue;
    key += tables_.constantName(source->index) + "|" +
           std::to_string(source->byte_offset) + "|" + plan->symbol;
    for (std::byte byte : plan->constants)
      key += "," + std::to_string(static_cast<int>(byte));
    parts.push_back({*source, [this, plan = *plan](uint32_t from, uint32_t to) {
                       return launch(plan, {from, to});
                     }});
  }
  if (parts.size() == weights.size())
    return work.function.addState(
        tables_.packedState(key, bytes, parts,
                            locationText(work.region.getLoc())),
        bytes);
  std::optional<uint32_t> target;
  for (auto [part, plan] : llvm::zip(weights, plans)) {
    FailureOr<uint32_t> from = work.function.addSlice(part.weight);
    FailureOr<uint32_t> to =
        target ? FailureOr<uint32_t>(*target) : work.function.addBuffer(bytes);
    if (failed(from) || failed(to))
      return failure();
    target = *to;
    work.function.keep(*to);
    work.function.addStep(launch(plan, {*from, *to}), work.region.getLoc(),
                          2 * bytes);
  }
  return *target;
}

FailureOr<LaunchPlan> CudaSteps::planTiled(Work& work) {
  auto root = cast<LibraryBacked>(work.region.root());
  FailureOr<LibraryCall> call = root.libraryCall();
  if (failed(call))
    return failure();
  return familyOf(call->kernel) == "group_norm" ? planGroupNorm(work, *call)
                                                : planContraction(work, *call);
}

// The plan of the only step, or of the second of two.
FailureOr<LaunchPlan> CudaSteps::planGroupNorm(Work& work,
                                               const LibraryCall& call) {
  for (Value operand : call.operands)
    if (failed(addOwnSlices(work, work.outside(operand))))
      return failure();
  FailureOr<cuda::EpilogueText> epilogue = epilogueOf(work);
  if (failed(epilogue))
    return failure();
  FailureOr<cuda::GroupNormPlans> plans =
      check(cuda::planGroupNorm(call.params, work.infos, *epilogue, target_),
            work.region);
  if (failed(plans))
    return failure();
  if (!plans->moments)
    return std::move(plans->apply);
  FailureOr<uint32_t> moments = work.function.addBuffer(plans->momentsBytes);
  if (failed(moments))
    return failure();
  work.function.addStep(launch(*plans->moments, {work.slices[0], *moments}),
                        work.region.getLoc());
  work.slices.insert(work.slices.begin() + call.operands.size(), *moments);
  for (uint32_t slice : work.slices)
    work.function.keep(slice);
  return std::move(plans->apply);
}

FailureOr<LaunchPlan> CudaSteps::planContraction(Work& work,
                                                 const LibraryCall& call) {
  Value input = work.outside(call.operands[0]);
  auto kernel = kernels_.lookupSymbol<func::FuncOp>(*work.region.getKernel());
  bool gated = kernel->hasAttr(kGatedAttr);
  DType dtype = *dtypeOf(elementOf(input));
  // A packing at run time is a step of its own, before the slices of this.
  FailureOr<uint32_t> packed =
      packedWeights(work, weightParts(work, call), call, dtype, gated);
  if (failed(packed) || failed(addOwnSlices(work, input)))
    return failure();
  bool computed =
      work.function.slice(*packed).storage == module::Storage::Arena;
  work.function.keep(*packed);
  work.add(*packed);
  if (hasShortcut(call) &&
      failed(addOwnSlices(work, work.outside(call.operands[2]))))
    return failure();
  std::vector<SliceInfo> own = work.infos;
  FailureOr<cuda::EpilogueText> epilogue = epilogueOf(work);
  if (failed(epilogue))
    return failure();
  FailureOr<LaunchPlan> plan =
      check(hasShortcut(call)
                ? cuda::planContractShortcut(call.params, own[0], own[2],
                                             *epilogue, target_)
                : cuda::planContract(call.params, own[0], *epilogue, target_),
            work.region);
  // Weights are read before the wait for other kernels.
  if (succeeded(plan) && computed)
    plan->overlaps = false;
  return plan;
}

// Adds all steps of a weight gradient but the last.
FailureOr<LaunchPlan> CudaSteps::planWeightGradient(Work& work,
                                                    ArrayRef<int64_t> params) {
  auto plan = check(cuda::planWeightGradient({params.data(), params.size()},
                                             work.infos, target_),
                    work.region);
  if (failed(plan))
    return failure();
  std::vector<uint32_t> all = work.slices;
  for (int64_t bytes : plan->bufferBytes) {
    FailureOr<uint32_t> buffer = work.function.addBuffer(bytes);
    if (failed(buffer))
      return failure();
    all.push_back(*buffer);
  }
  for (cuda::WeightGradientStep& step : plan->steps) {
    work.slices.clear();
    for (uint32_t slice : step.slices) {
      work.slices.push_back(all[slice]);
      work.function.keep(all[slice]);
    }
    if (&step != &plan->steps.back())
      work.function.addStep(launch(step.launch, work.slices),
                            work.region.getLoc());
  }
  return std::move(plan->steps.back().launch);
}

// The first of two steps, and the plan of the second.
FailureOr<LaunchPlan>
CudaSteps::planAttentionGradient(Work& work, const LibraryCall& call) {
  SmallVector<Value> outside;
  for (Value operand : call.operands)
    outside.push_back(work.outside(operand));
  Value q = outside[0], k = outside[1], v = outside[2], dy = outside[4];
  ValueRange gradients = work.region.getResults();
  Work queries{work.region, work.function};
  FailureOr<uint32_t> statistics =
      work.function.addBuffer(cuda::attentionStatisticsBytes(call.params));
  if (failed(statistics) ||
      failed(addOwnSlices(queries, {q, k, v, outside[3], dy, gradients[0]})))
    return failure();
  queries.add(*statistics);
  FailureOr<LaunchPlan> first =
      check(cuda::planAttentionGradient(cuda::AttentionGradientStep::kQueries,
                                        call.params, queries.infos, target_),
            work.region);
  if (failed(first))
    return failure();
  work.function.addStep(launch(*first, std::move(queries.slices)),
                        work.region.getLoc());
  if (failed(addOwnSlices(work, {q, k, v, dy, gradients[1], gradients[2]})))
    return failure();
  work.function.keep(*statistics);
  work.add(*statistics);
  return check(cuda::planAttentionGradient(cuda::AttentionGradientStep::kKeys,
                                           call.params, work.infos, target_),
               work.region);
}

FailureOr<LaunchPlan> CudaSteps::planLibrary(Work& work) {
  auto root = cast<LibraryBacked>(work.region.root());
  FailureOr<LibraryCall> call = root.libraryCall();
  if (failed(call))
    return failure();
  if (familyOf(call->kernel) == "attention_gradient")
    return planAttentionGradient(work, *call);
  for (Value operand : call->operands)
    if (failed(addOwnSlices(work, work.outside(operand))))
      return failure();
  if (failed(addOwnSlices(work, work.region.getResults())))
    return failure();
  std::span<const int64_t> params(call->params.data(), call->params.size());
  std::span<const SliceInfo> slices = work.infos;
  StringRef family = familyOf(call->kernel);
  if (family == "attention")
    return check(cuda::planAttention(params, slices.first<4>(), target_),
                 work.region);
  if (family == "group_affine")
    return check(cuda::planGroupAffine(params, slices, target_), work.region);
  if (family == "gather_rows")
    return check(cuda::planGatherRows(params, slices, target_), work.region);
  if (family == "weight_gradient")
    return planWeightGradient(work, call->params);
  if (family == "random_normal")
    return check(cuda::planRandomNormal(params, slices, target_), work.region);
  return work.region.emitOpError("needs library kernel '")
         << call->kernel << "', which a GPU does not have";
}

module::VerbUnion CudaSteps::launch(const LaunchPlan& plan,
                                    std::vector<uint32_t> slices) {
  texts_.try_emplace(plan.symbol, plan.source);
  module::LaunchT launch;
  launch.kernel = tables_.kernel(plan.symbol);
  launch.slices = std::move(slices);
  auto grid = std::make_unique<module::GridT>();
  grid->blocks.assign(plan.blocks.begin(), plan.blocks.end());
  grid->threads = plan.threads;
  grid->cluster = plan.cluster;
  grid->shared_bytes = plan.sharedBytes;
  grid->overlaps = plan.overlaps;
  for (std::byte byte : plan.constants)
    grid->constants.push_back(static_cast<uint8_t>(byte));
  for (const cuda::MapPlan& map : plan.maps) {
    auto entry = std::make_unique<module::TensorMapT>();
    entry->slice = map.slice;
    entry->byte_offset = map.byteOffset;
    entry->extents = map.extents;
    entry->strides = map.strides;
    entry->box = map.box;
    entry->steps = map.steps;
    entry->steps.resize(map.box.size(), 1);
    entry->swizzle = map.swizzle;
    grid->maps.push_back(std::move(entry));
  }
  launch.grid = std::move(grid);
  module::VerbUnion verb;
  verb.Set(std::move(launch));
  return verb;
}

LogicalResult CudaSteps::emit(RegionOp region, FunctionEmitter& function) {
  Work work{region, function};
  FailureOr<LaunchPlan> plan = failure();
  if (region.isRows()) {
    std::vector<uint32_t> slices;
    if (failed(function.addKernelSlices(region, slices)))
      return failure();
    for (uint32_t slice : slices)
      work.add(slice);
    plan = planRows(kernels_.lookupSymbol<func::FuncOp>(*region.getKernel()),
                    work.infos);
  } else {
    plan = region.getKind() == RegionOp::kContraction ? planTiled(work)
                                                      : planLibrary(work);
  }
  if (failed(plan))
    return failure();
  function.addStep(launch(*plan, std::move(work.slices)), region.getLoc());
  return success();
}

LogicalResult CudaSteps::finish(module::ModuleT& module, Location location) {
  std::vector<KernelText> texts;
  for (auto& entry : module.kernels) {
    auto text = texts_.find(entry->symbol);
    texts.push_back({entry->symbol + ".cu", text->second});
  }
  auto codes = compileKernels(texts, target_.name);
  if (!codes.ok())
    return emitError(location, codes.status().message());
  for (size_t i = 0; i < texts.size(); ++i) {
    auto image = std::make_unique<module::ImageT>();
    image->kind = module::ImageKind::Cubin;
    image->target = target_.name;
    auto first = reinterpret_cast<const uint8_t*>((*codes)[i].data());
    image->data.assign(first, first + (*codes)[i].size());
    module.kernels[i]->image = i;
    module.images.push_back(std::move(image));
  }
  return success();
}

} // namespace burin
