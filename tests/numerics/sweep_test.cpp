// SPDX-License-Identifier: Apache-2.0
// Every row of every case table: the op, compiled as products compile it and
// run on the CPU device, against its reference.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "tests/compiler/harness.h"
#include "tests/numerics/case_file.h"
#include "tests/numerics/compare.h"
#include "tests/numerics/operands.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>

namespace burin::numerics {
namespace {

const Reference& referenceOf(std::string_view op) {
  for (const Reference& row : references())
    if (row.op == op)
      return row;
  ADD_FAILURE() << "op " << op << " has no reference";
  return references().front();
}

// A property as the references take it.
void addProperty(ReferenceProperties& properties, mlir::NamedAttribute named) {
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

// A case as a graph and as the operands of its reference.
class Graph {
public:
  explicit Graph(const Case& row) : row_(row) { registerCompiler(registry_); }

  // Fills in everything below; failures are the test's.
  void build();

  std::string text;
  testing::Tensors inputs;
  testing::Tensors parameters;
  std::vector<ReferenceTensor> operands;
  ReferenceProperties properties;
  std::vector<std::pair<std::string, DType>> results;

private:
  std::string parameterName(size_t operand) const {
    return row_.name + "." + std::to_string(operand);
  }
  std::string header();
  void fill(size_t operand, mlir::RankedTensorType type);

  const Case& row_;
  mlir::DialectRegistry registry_;
};

// Declares operand k as an argument or a parameter, unless the assembly does
// not mention it.
std::string Graph::header() {
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

void Graph::fill(size_t operand, mlir::RankedTensorType type) {
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
  operands.push_back(*std::move(tensor));
}

void Graph::build() {
  mlir::MLIRContext context(registry_);
  std::string source =
      header() + "burin." + row_.op + " " + row_.assembly + "\nreturn\n}\n";
  auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
  ASSERT_TRUE(module) << source;
  auto function = *module->getOps<mlir::func::FuncOp>().begin();
  mlir::Operation* terminator = function.getBody().front().getTerminator();
  mlir::Operation* op = terminator->getPrevNode();

  properties = propertiesOf(op);
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
    results.emplace_back(name, *dtypeOf(elementOf(result)));
  }
  llvm::raw_string_ostream stream(text);
  module->print(stream);
}

// The largest share of tolerance of each op and element type.
std::map<std::string, double>& shares() {
  static std::map<std::string, double> table;
  return table;
}

class Sweep : public ::testing::Test {
public:
  explicit Sweep(Case row) : row_(std::move(row)) {}

  void TestBody() override {
    Graph graph(row_);
    graph.build();
    if (HasFatalFailure())
      return;
    std::vector<std::byte> module = testing::compileText(graph.text);
    if (HasFailure())
      return;
    testing::Tensors outputs =
        testing::run(module, "main", graph.inputs, graph.parameters);
    auto expected =
        referenceOf(row_.op).function(graph.properties, graph.operands);
    ASSERT_EQ(expected.size(), graph.results.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto& [name, dtype] = graph.results[i];
      const testing::Tensor& tensor = outputs[name];
      check(dtype, decode(tensor.data, tensor.shape, dtype), expected[i]);
    }
  }

private:
  void check(DType dtype, const ReferenceTensor& result,
             const ReferenceTensor& reference) {
    auto outcome = compare(row_.tolerance, dtype, result, reference);
    ASSERT_TRUE(outcome.ok()) << outcome.status().message();
    std::string key = row_.op + " " + std::string(name(dtype));
    shares()[key] = std::max(shares()[key], outcome->share);
    RecordProperty("tolerance_used", std::to_string(outcome->share));
    std::printf("  %.1f %% of '%s' used, NMSE %.1e\n", 100 * outcome->share,
                row_.tolerance.c_str(), outcome->nmse);
    EXPECT_LE(outcome->share, 1) << outcome->worst;
  }

  Case row_;
};

class Summary : public ::testing::Environment {
public:
  void TearDown() override {
    std::puts("Largest share of tolerance used:");
    for (const auto& [key, share] : shares())
      std::printf("  %-28s %6.1f %%\n", key.c_str(), 100 * share);
  }
};

} // namespace
} // namespace burin::numerics

int main(int argc, char** argv) {
  using namespace burin::numerics;
  ::testing::InitGoogleTest(&argc, argv);
  auto cases = readCases("tests/numerics/cases");
  if (!cases.ok()) {
    std::fprintf(stderr, "%s\n", cases.status().message().c_str());
    return 1;
  }
  for (const Case& row : *cases)
    ::testing::RegisterTest(
        row.op.c_str(), row.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [row]() -> ::testing::Test* { return new Sweep(row); });
  ::testing::AddGlobalTestEnvironment(new Summary);
  return RUN_ALL_TESTS();
}
