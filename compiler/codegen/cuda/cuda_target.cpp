// SPDX-License-Identifier: Apache-2.0
// Asks the kernel families before regions form, when it is not yet known where
// values will lie.
#include "compiler/codegen/cuda/cuda_target.h"

#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "kernels/cuda/contract/plan.h"
#include "kernels/cuda/group_norm/plan.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace burin {

namespace cuda = kernels::cuda;
using cuda::SliceInfo;

std::optional<cuda::Target> cudaTarget(StringRef name) {
  int capability = llvm::StringSwitch<int>(name)
                       .Case("sm_80", 80)
                       .Case("sm_86", 86)
                       .Case("sm_89", 89)
                       .Case("sm_90a", 90)
                       .Default(0);
  if (capability == 0)
    return std::nullopt;
  return cuda::Target{name.str(), capability};
}

// Whether rows of `value` will begin at multiples of `elements`, wherever the
// memory plan puts them: it may be a window of a value, or become one of a
// concatenation.
static bool staysAligned(Value value, int64_t elements) {
  auto fits = [&](Viewing view, int64_t start, Value whole) {
    auto type = cast<RankedTensorType>(whole.getType());
    bool last = view.window()->axis == type.getRank() - 1;
    return !last ||
           (start % elements == 0 && type.getShape().back() % elements == 0);
  };
  for (OpOperand& use : value.getUses()) {
    auto view = dyn_cast<Viewing>(use.getOwner());
    if (!view)
      continue;
    Value result = view->getResult(0);
    if (view.gathers()) {
      int64_t start = view.window()->starts[use.getOperandNumber()];
      if (!fits(view, start, result) || !staysAligned(result, elements))
        return false;
    } else if (!view.window() && !staysAligned(result, elements)) {
      return false;
    }
  }
  auto source = value.getDefiningOp<Viewing>();
  return !source || source.gathers() || !source.window() ||
         fits(source, source.window()->starts[0], source->getOperand(0));
}

// Whether they begin at multiples of 16 bytes.
static bool staysAligned(Value value) {
  return staysAligned(value, 16 / byteSize(*dtypeOf(elementOf(value))));
}

// The slice of a value in a buffer of its own.
static SliceInfo denseInfo(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t extent = type.getShape().back();
  int64_t rows = extent == 0 ? 0 : type.getNumElements() / extent;
  return {*dtypeOf(type.getElementType()), rows, extent, extent,
          kBaseAlignment};
}

bool hasCudaKernel(Operation* op, const cuda::Target& target) {
  auto library = dyn_cast<LibraryBacked>(op);
  if (!library)
    return false;
  FailureOr<LibraryCall> call = library.libraryCall();
  if (failed(call))
    return false;
  StringRef family = familyOf(call->kernel);
  ArrayRef<Value> operands = call->operands;
  if (family == "contract")
    return true;
  if (family == "contract_shortcut")
    return staysAligned(operands[0]) && staysAligned(operands[2]) &&
           cuda::planContractShortcut(call->params, denseInfo(operands[0]),
                                      denseInfo(operands[2]), {}, target)
               .ok();
  if (family != "group_norm" || !staysAligned(operands[0]))
    return false;
  std::vector<SliceInfo> slices;
  for (Value operand : operands)
    slices.push_back(denseInfo(operand));
  return cuda::planGroupNorm(call->params, slices, {}, target).ok();
}

} // namespace burin
