// SPDX-License-Identifier: Apache-2.0
// The parts of a module that its functions share.
#include "compiler/emit/emit_module.h"
#include "compiler/emit/function_emitter.h"
#include "compiler/passes/kernels.h"

using namespace mlir;

namespace burin {

std::string compilerVersion() {
  return "burin compiler 1";
}

module::DType moduleDType(Type element) {
  if (element.isF32())
    return module::DType::F32;
  if (element.isBF16())
    return module::DType::BF16;
  if (element.isF16())
    return module::DType::F16;
  if (element.isF64())
    return module::DType::F64;
  if (element.isInteger(64))
    return module::DType::I64;
  if (element.isInteger(32))
    return module::DType::I32;
  return element.isInteger(1) ? module::DType::Bool : module::DType::U8;
}

std::string locationText(Location location) {
  std::string text = "?";
  location->walk([&](Location inner) {
    auto name = dyn_cast<NameLoc>(inner);
    if (!name)
      return WalkResult::advance();
    text = name.getName().str();
    return WalkResult::interrupt();
  });
  return text;
}

FailureOr<uint32_t> ModuleTables::constant(ParameterOp parameter) {
  auto type = cast<RankedTensorType>(parameter.getOutput().getType());
  module::DType dtype = moduleDType(type.getElementType());
  auto [known, isNew] =
      constants_.try_emplace(parameter.getName(), module_.constants.size());
  if (!isNew) {
    const module::ConstantT& first = *module_.constants[known->second];
    if (first.dtype != dtype || ArrayRef(first.shape) != type.getShape())
      return parameter.emitOpError("'")
             << parameter.getName() << "' is " << type
             << " here and has another type elsewhere";
    return known->second;
  }
  auto entry = std::make_unique<module::ConstantT>();
  entry->name = parameter.getName().str();
  entry->dtype = dtype;
  entry->shape = std::vector<int64_t>(type.getShape());
  module_.constants.push_back(std::move(entry));
  return known->second;
}

uint32_t ModuleTables::kernel(StringRef symbol) {
  auto [known, isNew] = kernels_.try_emplace(symbol, module_.kernels.size());
  if (isNew) {
    auto entry = std::make_unique<module::KernelT>();
    entry->image = 0;
    entry->symbol = symbol.str();
    module_.kernels.push_back(std::move(entry));
  }
  return known->second;
}

int64_t ModuleTables::workItems(StringRef symbol) {
  Operation* kernel = kernelOps_.lookupSymbol(symbol);
  return kernel->getAttrOfType<IntegerAttr>(kWorkItemsAttr).getInt();
}

ArrayRef<int64_t> ModuleTables::inPlace(StringRef symbol) {
  Operation* kernel = kernelOps_.lookupSymbol(symbol);
  return kernel->getAttrOfType<DenseI64ArrayAttr>(kInPlaceAttr).asArrayRef();
}

uint32_t ModuleTables::packedState(const std::string& key, int64_t bytes,
                                   ArrayRef<PackedPart> parts,
                                   const std::string& location) {
  auto [known, isNew] = states_.try_emplace(key, module_.states.size());
  if (!isNew)
    return known->second;
  auto state = std::make_unique<module::StateT>();
  state->name = key;
  state->bytes = bytes;
  module_.states.push_back(std::move(state));

  module::SliceT target;
  target.storage = module::Storage::State;
  target.index = known->second;
  target.dtype = module::DType::U8;
  target.shape = {bytes};
  target.pitch = bytes;
  for (const PackedPart& part : parts) {
    auto first = static_cast<uint32_t>(prepare_.slices.size());
    prepare_.slices.push_back(std::make_unique<module::SliceT>(part.source));
    prepare_.slices.push_back(std::make_unique<module::SliceT>(target));
    auto step = std::make_unique<module::StepT>();
    step->verb = part.verb(first, first + 1);
    step->location = location;
    step->bytes = 2 * bytes / parts.size();
    prepare_.steps.push_back(std::move(step));
  }
  return known->second;
}

void ModuleTables::finish() {
  if (prepare_.steps.empty())
    return;
  prepare_.name = "prepare";
  module_.functions.push_back(
      std::make_unique<module::FunctionT>(std::move(prepare_)));
}

} // namespace burin
