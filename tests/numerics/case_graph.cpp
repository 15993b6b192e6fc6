// SPDX-License-Identifier: Apache-2.0
// Turns rows of case tables into modules.
#include "tests/numerics/case_graph.h"

#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "tests/numerics/operands.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <regex>

namespace burin::numerics {

const Reference& referenceOf(std::string_view op) {
  for (const Reference& row : references())
    if (row.op == op)
      return row;
  ADD_FAILURE() << "op " << op << " has no reference";
  return references().front();
}

// A property as the references take it.
static void addProperty(ReferenceProperties& properties,
                        mlir::NamedAttribute named) {
  std::string name = named.getName().str();
  mlir::Attribute value = named.getValue();
  if (auto integer = mlir::dyn_cast<mlir::IntegerAttr>(value))
    properties.set(name, integer.getInt());
  else if (auto number = mlir::dyn_cast<mlir::FloatAttr>(value))
    properties.set(name, number.getValueAsDouble());
  else if (auto text = mlir::dyn_cast<mlir::StringAttr>(value))
    properties.set(name, text.str());
  else if (auto list = mlir::dyn_cast<mlir::DenseI64ArrayAttr>(value))
    properties.set(name, Shape(list.asArrayRef()));
  else if (auto type = mlir::dyn_cast<mlir::TypeAttr>(value))
    properties.set(name, std::string(burin::name(*dtypeOf(type.getValue()))));
  else if (mlir::isa<mlir::UnitAttr>(value))
    properties.set(name, int64_t{1});
  else
    ADD_FAILURE() << "property " << name << " has a type no reference takes";
}

ReferenceProperties propertiesOf(mlir::Operation* op) {
  ReferenceProperties properties;
  auto dictionary = mlir::dyn_cast_or_null<mlir::DictionaryAttr>(
      op->getPropertiesAsAttribute());
  if (dictionary)
    for (mlir::NamedAttribute named : dictionary)
      addProperty(properties, named);
  if (op->getNumOperands() == 0)
    properties.set("shape", Shape(shapeOf(op->getResult(0))));
  return properties;
}

// Declares operand k as an argument or a parameter, unless the assembly does
// not mention it.
std::string CaseGraph::header() {
  const std::string& assembly = row_.assembly;
  static const std::regex kTensor("tensor<[^>]*>");
  std::sregex_iterator type(assembly.begin(), assembly.end(), kTensor);
  std::string arguments, leaves;
  for (size_t i = 0; i < row_.operands.size(); ++i, ++type) {
    std::string value = "%" + std::to_string(i);
    if (assembly.find(value) == std::string::npos)
      continue;
    if (row_.operands[i][0] == '@')
      leaves += value + " = burin.parameter \"" + parameterName(i) +
                "\" : " + type->str() + "\n";
    else
      arguments += (arguments.empty() ? "" : ", ") + value + ": " +
                   type->str() + " {burin.name = \"" + std::to_string(i) +
                   "\"}";
  }
  return "func.func @main(" + arguments + ") {\n" + leaves;
}

void CaseGraph::fill(size_t operand, mlir::RankedTensorType type) {
  bool isParameter = row_.operands[operand][0] == '@';
  std::string recipe = row_.operands[operand].substr(isParameter ? 1 : 0);
  DType dtype = *dtypeOf(type.getElementType());
  Shape shape(type.getShape());
  auto tensor = makeOperand(recipe, shape, dtype, operand);
  ASSERT_TRUE(tensor.ok()) << tensor.status().message();
  testing::Tensor stored{dtype, shape, encode(*tensor, dtype)};
  if (isParameter)
    parameters[parameterName(operand)] = stored;
  else
    inputs[std::to_string(operand)] = stored;
  operands_.push_back(*std::move(tensor));
}

void CaseGraph::build() {
  mlir::MLIRContext context(registry_);
  std::string source =
      header() + "burin." + row_.op + " " + row_.assembly + "\nreturn\n}\n";
  auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
  ASSERT_TRUE(module) << source;
  auto function = *module->getOps<mlir::func::FuncOp>().begin();
  mlir::Operation* terminator = function.getBody().front().getTerminator();
  mlir::Operation* op = terminator->getPrevNode();

  for (size_t i = 0; i < row_.operands.size(); ++i)
    fill(i,
         tensorOf(op->getNumOperands() ? op->getOperand(i) : op->getResult(0)));
  // Return what the op gives.
  terminator->insertOperands(0, op->getResults());
  function.setType(mlir::FunctionType::get(
      &context, function.getArgumentTypes(), op->getResultTypes()));
  for (mlir::OpResult result : op->getResults()) {
    std::string name = "result" + std::to_string(result.getResultNumber());
    function.setResultAttr(result.getResultNumber(), "burin.name",
                           mlir::StringAttr::get(&context, name));
  }
  computeResults(op);
  llvm::raw_string_ostream stream(text);
  module->print(stream);
}

void CaseGraph::computeResults(mlir::Operation* op) {
  auto expected = referenceOf(row_.op).function(propertiesOf(op), operands_);
  ASSERT_EQ(expected.size(), op->getNumResults());
  for (mlir::OpResult result : op->getResults())
    results.push_back({"result" + std::to_string(result.getResultNumber()),
                       *dtypeOf(elementOf(result)),
                       std::move(expected[result.getResultNumber()])});
}

} // namespace burin::numerics
