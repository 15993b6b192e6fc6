// SPDX-License-Identifier: Apache-2.0
// Knows no op: it finds each one's reference by mnemonic, and turns its
// properties into what the reference reads.
#include "tests/models/interpreter.h"

#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"

#include "llvm/ADT/DenseMap.h"

#include <algorithm>

using namespace mlir;

namespace burin {

namespace {

// One property as the reference reads it; a flag that is not set stays out.
void setProperty(ReferenceProperties& properties, NamedAttribute property) {
  std::string name = property.getName().str();
  Attribute value = property.getValue();
  if (isa<UnitAttr>(value)) {
    properties.set(name, int64_t{1});
  } else if (auto flag = dyn_cast<BoolAttr>(value)) {
    if (flag.getValue())
      properties.set(name, int64_t{1});
  } else if (auto integer = dyn_cast<IntegerAttr>(value)) {
    properties.set(name, integer.getInt());
  } else if (auto number = dyn_cast<FloatAttr>(value)) {
    properties.set(name, number.getValueAsDouble());
  } else if (auto text = dyn_cast<StringAttr>(value)) {
    properties.set(name, text.str());
  } else if (auto type = dyn_cast<TypeAttr>(value)) {
    if (auto dtype = dtypeOf(type.getValue()))
      properties.set(name, std::string(burin::name(*dtype)));
  } else if (auto list = dyn_cast<DenseI64ArrayAttr>(value)) {
    properties.set(name, Shape(list.asArrayRef()));
  } else if (auto list = dyn_cast<ArrayAttr>(value)) {
    Shape numbers;
    for (Attribute item : list)
      numbers.push_back(cast<IntegerAttr>(item).getInt());
    properties.set(name, numbers);
  }
}

ReferenceProperties propertiesOf(Operation* op) {
  ReferenceProperties properties;
  if (auto dictionary =
          dyn_cast_if_present<DictionaryAttr>(op->getPropertiesAsAttribute()))
    for (NamedAttribute property : dictionary)
      setProperty(properties, property);
  if (op->getNumOperands() == 0)
    properties.set("shape", Shape(shapeOf(op->getResult(0))));
  return properties;
}

const Reference* findReference(StringRef mnemonic) {
  auto rows = references();
  auto found = std::find_if(rows.begin(), rows.end(), [&](const auto& row) {
    return mnemonic == StringRef(row.op.data(), row.op.size());
  });
  return found == rows.end() ? nullptr : &*found;
}

class Interpreter {
public:
  explicit Interpreter(const ParameterLookup& parameters)
      : parameters_(parameters) {}

  void set(Value value, ReferenceTensor tensor) {
    values_.insert({value, std::move(tensor)});
  }
  const ReferenceTensor& get(Value value) const {
    return values_.find(value)->second;
  }

  Status run(Operation& op) {
    const Reference* reference = findReference(op.getName().stripDialect());
    if (!reference)
      return notFound("no reference of " + op.getName().getStringRef().str());
    std::vector<ReferenceTensor> operands;
    if (auto parameter = dyn_cast<ParameterOp>(op)) {
      BURIN_ASSIGN(ReferenceTensor tensor, parameters_(parameter.getName()));
      operands.push_back(std::move(tensor));
    }
    for (Value operand : op.getOperands())
      operands.push_back(get(operand));
    std::vector<ReferenceTensor> results =
        reference->function(propertiesOf(&op), operands);
    for (auto [result, tensor] : llvm::zip_equal(op.getResults(), results)) {
      if (llvm::ArrayRef(tensor.shape) != shapeOf(result))
        return internalError("the reference of " +
                             op.getName().getStringRef().str() +
                             " gives shape " + toString(tensor.shape));
      set(result, std::move(tensor));
    }
    return okStatus();
  }

private:
  const ParameterLookup& parameters_;
  llvm::DenseMap<Value, ReferenceTensor> values_;
};

} // namespace

Result<std::vector<ReferenceTensor>>
interpret(func::FuncOp function, std::span<const ReferenceTensor> arguments,
          const ParameterLookup& parameters) {
  Interpreter interpreter(parameters);
  for (auto [value, tensor] :
       llvm::zip_equal(function.getArguments(),
                       llvm::ArrayRef(arguments.data(), arguments.size())))
    interpreter.set(value, tensor);
  for (Operation& op : function.getBody().front().without_terminator())
    BURIN_TRY(interpreter.run(op));
  std::vector<ReferenceTensor> results;
  for (Value value : function.getBody().front().getTerminator()->getOperands())
    results.push_back(interpreter.get(value));
  return results;
}

} // namespace burin
