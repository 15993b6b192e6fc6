// SPDX-License-Identifier: Apache-2.0
// The checks that stand between a file of unknown origin and the runtime.
#include "formats/module/check.h"

#include <limits>
#include <set>
#include <string>
#include <string_view>

#include "formats/module/check_grid.h"

namespace burin::module {
namespace {

using Text = std::string;

Text quoted(const flatbuffers::String* name) {
  return "'" + name->str() + "'";
}

// Collects the names of one list and refuses empty or repeated ones.
class NameList {
public:
  explicit NameList(Text what) : what_(std::move(what)) {}
  Status add(const flatbuffers::String* name) {
    if (name->size() == 0)
      return dataLoss(what_ + " " + std::to_string(seen_.size()) +
                      " has an empty name");
    if (!seen_.insert(name->string_view()).second)
      return dataLoss(what_ + " " + quoted(name) + " appears twice");
    return okStatus();
  }

private:
  Text what_;
  std::set<std::string_view> seen_;
};

Status checkIndex(uint64_t index, uint64_t count, std::string_view what) {
  if (index < count)
    return okStatus();
  return dataLoss(Text(what) + " has index " + std::to_string(index) +
                  ", there are " + std::to_string(count));
}

template <typename Enum>
Status checkEnum(Enum value, Enum last, std::string_view what) {
  if (value <= last)
    return okStatus();
  return dataLoss(Text(what) + " has the unknown value " +
                  std::to_string(static_cast<int>(value)) + ", the last is " +
                  std::to_string(static_cast<int>(last)));
}

// The verifier looks at the alignment of a vector's length alone.
Status checkAligned(const flatbuffers::Vector<int64_t>& numbers,
                    std::string_view what) {
  if (numbers.size() == 0 ||
      reinterpret_cast<uintptr_t>(numbers.Data()) % sizeof(int64_t) == 0)
    return okStatus();
  return dataLoss(Text(what) + " does not lie on an 8-byte boundary");
}

// The bytes of a dense tensor.
Result<int64_t> checkTensor(DType dtype,
                            const flatbuffers::Vector<int64_t>* shape) {
  BURIN_TRY(checkEnum(dtype, DType::MAX, "dtype"));
  BURIN_TRY(checkAligned(*shape, "shape"));
  Shape extents = shapeOf(*shape);
  std::optional<int64_t> bytes = byteCount(dtypeOf(dtype), extents);
  if (!bytes)
    return dataLoss("shape " + toString(extents) +
                    " has a negative extent or more than 2^63 bytes");
  return *bytes;
}

Status checkImages(const Module& module) {
  constexpr std::string_view kElfMagic = "\x7f"
                                         "ELF";
  for (uint32_t i = 0; i < module.images()->size(); ++i) {
    const Image* image = module.images()->Get(i);
    Text what = "image " + std::to_string(i);
    BURIN_TRY(checkEnum(image->kind(), ImageKind::MAX, what + ": kind"));
    std::string_view data(reinterpret_cast<const char*>(image->data()->data()),
                          image->data()->size());
    if (data.empty())
      return dataLoss(what + " is empty");
    if (image->kind() == ImageKind::CpuElf && !data.starts_with(kElfMagic))
      return dataLoss(what + " is declared as ELF and does not begin as one");
  }
  return okStatus();
}

Status checkKernels(const Module& module) {
  for (uint32_t i = 0; i < module.kernels()->size(); ++i) {
    const Kernel* kernel = module.kernels()->Get(i);
    Text what = "kernel " + std::to_string(i);
    BURIN_TRY(
        checkIndex(kernel->image(), module.images()->size(), what + ": image"));
    if (kernel->symbol()->size() == 0)
      return dataLoss(what + " has an empty symbol");
  }
  return okStatus();
}

Status checkStates(const Module& module) {
  NameList names("state");
  uint64_t total = 0;
  for (const State* state : *module.states()) {
    BURIN_TRY(names.add(state->name()));
    if (__builtin_add_overflow(total, state->bytes(), &total) ||
        total > uint64_t{std::numeric_limits<int64_t>::max()})
      return dataLoss("state " + quoted(state->name()) + " of " +
                      std::to_string(state->bytes()) +
                      " bytes makes the states larger than 2^63 bytes");
  }
  return okStatus();
}

// Checks the slices and steps of one function. Values are named by number;
// the caller adds the function's name.
class FunctionChecker {
public:
  FunctionChecker(const Module& module, const Function& function)
      : module_(module), function_(function) {}

  Status check() {
    BURIN_TRY(checkValues(*function_.inputs(), "input"));
    BURIN_TRY(checkValues(*function_.outputs(), "output"));
    if (function_.name()->string_view() == "prepare" &&
        (function_.inputs()->size() || function_.outputs()->size()))
      return dataLoss("'prepare' takes no inputs and gives no outputs, this "
                      "one has " +
                      std::to_string(function_.inputs()->size()) + " and " +
                      std::to_string(function_.outputs()->size()));
    if (function_.arena_bytes() > uint64_t{std::numeric_limits<int64_t>::max()})
      return dataLoss("the arena has " +
                      std::to_string(function_.arena_bytes()) +
                      " bytes, more than 2^63");
    for (uint32_t i = 0; i < function_.slices()->size(); ++i)
      BURIN_TRY(checkSlice(*function_.slices()->Get(i))
                    .within("slice " + std::to_string(i)));
    for (uint32_t i = 0; i < function_.steps()->size(); ++i) {
      const Step* step = function_.steps()->Get(i);
      BURIN_TRY(checkStep(*step).within("step " + std::to_string(i) + " (" +
                                        step->location()->str() + ")"));
    }
    return okStatus();
  }

private:
  using Values = flatbuffers::Vector<flatbuffers::Offset<Value>>;
  using Indices = flatbuffers::Vector<uint32_t>;

  Status checkValues(const Values& values, const Text& what) {
    NameList names(what);
    for (const Value* value : values) {
      BURIN_TRY(names.add(value->name()));
      auto bytes = checkTensor(value->dtype(), value->shape());
      if (!bytes.ok())
        return bytes.status().within(what + " " + quoted(value->name()));
    }
    return okStatus();
  }

  // The bytes of the storage that a slice lies in.
  Result<uint64_t> storageBytes(const Slice& slice) {
    BURIN_TRY(checkEnum(slice.storage(), Storage::MAX, "storage"));
    uint32_t index = slice.index();
    switch (slice.storage()) {
    case Storage::Input:
      return valueBytes(*function_.inputs(), index, "input");
    case Storage::Output:
      return valueBytes(*function_.outputs(), index, "output");
    case Storage::Constant:
      return valueBytes(*module_.constants(), index, "constant");
    case Storage::State:
      BURIN_TRY(checkIndex(index, module_.states()->size(), "state"));
      return module_.states()->Get(index)->bytes();
    case Storage::Arena:
      break;
    }
    return function_.arena_bytes();
  }

  template <typename Vector>
  Result<uint64_t> valueBytes(const Vector& values, uint32_t index,
                              std::string_view what) {
    BURIN_TRY(checkIndex(index, values.size(), what));
    BURIN_ASSIGN(int64_t bytes, checkTensor(values.Get(index)->dtype(),
                                            values.Get(index)->shape()));
    return static_cast<uint64_t>(bytes);
  }

  Status checkSlice(const Slice& slice) {
    BURIN_ASSIGN(uint64_t limit, storageBytes(slice));
    BURIN_ASSIGN(int64_t dense, checkTensor(slice.dtype(), slice.shape()));
    auto element = static_cast<int64_t>(byteSize(dtypeOf(slice.dtype())));
    Extent view = rowsOf(slice);
    Text shape = toString(shapeOf(*slice.shape()));
    if (view.pitch < view.extent)
      return dataLoss("pitch " + std::to_string(view.pitch) +
                      " is less than the last extent of " + shape);
    if (slice.byte_offset() % static_cast<uint64_t>(element) != 0)
      return dataLoss("byte offset " + std::to_string(slice.byte_offset()) +
                      " is not a multiple of the element's " +
                      std::to_string(element) + " bytes");
    int64_t span = 0;
    bool overflow = false;
    if (dense > 0) {
      overflow = __builtin_mul_overflow(view.rows - 1, view.pitch, &span) ||
                 __builtin_add_overflow(span, view.extent, &span) ||
                 __builtin_mul_overflow(span, element, &span);
    }
    auto bytes = static_cast<uint64_t>(span);
    if (overflow || slice.byte_offset() > limit ||
        bytes > limit - slice.byte_offset())
      return dataLoss(
          "shape " + shape + " with pitch " + std::to_string(view.pitch) +
          " at byte " + std::to_string(slice.byte_offset()) +
          " reaches beyond its storage of " + std::to_string(limit) + " bytes");
    return okStatus();
  }

  // Bounds the work that a small file can ask for by naming one list often.
  static Status checkLength(uint32_t length, const Text& what) {
    constexpr uint32_t kMaxOperands = 1024;
    if (length <= kMaxOperands)
      return okStatus();
    return dataLoss("a step has " + std::to_string(length) + " " + what +
                    "s; the limit is " + std::to_string(kMaxOperands));
  }

  Status checkIndices(const Indices& indices, size_t count, const Text& what) {
    BURIN_TRY(checkLength(indices.size(), what));
    for (uint32_t i = 0; i < indices.size(); ++i)
      BURIN_TRY(
          checkIndex(indices.Get(i), count, what + " " + std::to_string(i)));
    return okStatus();
  }

  Status checkWritable(uint32_t index) {
    BURIN_TRY(checkIndex(index, function_.slices()->size(), "target"));
    Storage storage = function_.slices()->Get(index)->storage();
    if (storage == Storage::Constant || storage == Storage::Input)
      return dataLoss("target is a slice of " + Text(EnumNameStorage(storage)) +
                      " storage, which is read-only");
    return okStatus();
  }

  Status checkStep(const Step& step) {
    size_t slices = function_.slices()->size();
    size_t kernels = module_.kernels()->size();
    switch (step.verb_type()) {
    case Verb::Launch:
      return checkLaunch(*step.verb_as_Launch(), slices, kernels);
    case Verb::Call:
      return checkCall(*step.verb_as_Call(), slices, kernels);
    case Verb::Copy:
      return checkCopy(*step.verb_as_Copy());
    case Verb::Fill:
      return checkFill(*step.verb_as_Fill());
    case Verb::Collective:
      BURIN_TRY(checkWritable(step.verb_as_Collective()->target()));
      return checkEnum(step.verb_as_Collective()->reduction(), Reduction::MAX,
                       "reduction");
    case Verb::NONE:
      break;
    }
    return dataLoss("verb has the unknown value " +
                    std::to_string(static_cast<int>(step.verb_type())));
  }

  Status checkLaunch(const Launch& launch, size_t slices, size_t kernels) {
    BURIN_TRY(checkIndex(launch.kernel(), kernels, "kernel"));
    if (launch.work_items() < 0)
      return dataLoss("launch has " + std::to_string(launch.work_items()) +
                      " work items");
    BURIN_TRY(checkIndices(*launch.slices(), slices, "slice operand"));
    const Kernel* kernel = module_.kernels()->Get(launch.kernel());
    bool onCpu =
        module_.images()->Get(kernel->image())->kind() == ImageKind::CpuElf;
    if (onCpu != !launch.grid())
      return dataLoss("kernel " + quoted(kernel->symbol()) +
                      (onCpu ? " of a CPU is launched over a grid"
                             : " of a GPU is launched without a grid"));
    if (!launch.grid())
      return okStatus();
    BURIN_TRY(checkGrid(*launch.grid()));
    BURIN_TRY(checkLength(launch.grid()->maps()->size(), "tensor map"));
    for (uint32_t i = 0; i < launch.grid()->maps()->size(); ++i) {
      const TensorMap& map = *launch.grid()->maps()->Get(i);
      Text what = "tensor map " + std::to_string(i);
      BURIN_TRY(checkIndex(map.slice(), launch.slices()->size(), "slice")
                    .within(what));
      const Slice* slice =
          function_.slices()->Get(launch.slices()->Get(map.slice()));
      BURIN_ASSIGN(uint64_t bytes, storageBytes(*slice));
      BURIN_TRY(checkTensorMap(map, *slice, bytes).within(what));
    }
    return okStatus();
  }

  Status checkCall(const Call& call, size_t slices, size_t kernels) {
    if (call.kernel()->size() == 0)
      return dataLoss("call names no library kernel");
    BURIN_TRY(checkIndices(*call.slices(), slices, "slice operand"));
    BURIN_TRY(checkIndices(*call.callbacks(), kernels, "callback"));
    BURIN_TRY(checkLength(call.params()->size(), "parameter"));
    BURIN_TRY(checkAligned(*call.params(), "the parameter list"));
    uint32_t own = call.callback_slice();
    if (own > call.slices()->size())
      return dataLoss("callback_slice is " + std::to_string(own) +
                      ", the call has " +
                      std::to_string(call.slices()->size()) + " slices");
    if (call.callbacks()->size() == 0 && own != call.slices()->size())
      return dataLoss("callback_slice is " + std::to_string(own) + " of " +
                      std::to_string(call.slices()->size()) +
                      " slices and there is no callback to take the others");
    return okStatus();
  }

  Status checkCopy(const Copy& copy) {
    BURIN_TRY(checkIndex(copy.source(), function_.slices()->size(), "source"));
    BURIN_TRY(checkWritable(copy.target()));
    const Slice& source = *function_.slices()->Get(copy.source());
    const Slice& target = *function_.slices()->Get(copy.target());
    Shape from = shapeOf(*source.shape());
    Shape to = shapeOf(*target.shape());
    if (source.dtype() != target.dtype() || from != to)
      return dataLoss("copy from " + Text(EnumNameDType(source.dtype())) +
                      toString(from) + " to " + EnumNameDType(target.dtype()) +
                      toString(to) + "; both must be alike");
    return okStatus();
  }

  Status checkFill(const Fill& fill) {
    BURIN_TRY(checkWritable(fill.target()));
    const Slice& target = *function_.slices()->Get(fill.target());
    size_t bits = 8 * byteSize(dtypeOf(target.dtype()));
    if (bits < 64 && fill.pattern() >> bits != 0)
      return dataLoss("fill pattern " + std::to_string(fill.pattern()) +
                      " does not fit an element of " +
                      EnumNameDType(target.dtype()));
    return okStatus();
  }

  const Module& module_;
  const Function& function_;
};

} // namespace

Status checkModule(const Module& module) {
  if (module.abi() != kAbi)
    return dataLoss("it was compiled for runtime ABI " +
                    std::to_string(module.abi()) + ", this runtime has " +
                    std::to_string(kAbi) + "; compile it again");
  BURIN_TRY(checkImages(module));
  BURIN_TRY(checkKernels(module));
  NameList constants("constant");
  for (const Constant* constant : *module.constants()) {
    BURIN_TRY(constants.add(constant->name()));
    auto bytes = checkTensor(constant->dtype(), constant->shape());
    if (!bytes.ok())
      return bytes.status().within("constant " + quoted(constant->name()));
  }
  BURIN_TRY(checkStates(module));
  NameList functions("function");
  for (const Function* function : *module.functions()) {
    BURIN_TRY(functions.add(function->name()));
    BURIN_TRY(FunctionChecker(module, *function)
                  .check()
                  .within("function " + quoted(function->name())));
  }
  return okStatus();
}

} // namespace burin::module
