// SPDX-License-Identifier: Apache-2.0
// The gradients of every op over its case table: compiled as products compile
// them, against central differences of the references.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/inference.h"
#include "tests/numerics/case_graph.h"
#include "tests/numerics/compare.h"
#include "tests/numerics/operands.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace burin::numerics {
namespace {

// Elements of an operand that are held to differences.
constexpr int64_t kElements = 24;
// Exact where a result is linear in an operand; else its square is the error.
constexpr double kStep = 1e-5;

// The function of a case with the gradients of <result, cotangent> in the place
// of its results.
class GradientGraph {
public:
  explicit GradientGraph(const CaseGraph& graph) : graph_(graph) {
    registerCompiler(registry_);
  }

  void build();

  std::string text;
  ReferenceTensor cotangent{Shape{}};
  testing::Tensor cotangentInput;
  std::vector<std::string> names; // of each operand's gradient, or empty
  std::vector<bool> needed;       // operands of numbers that can vary
  ReferenceProperties properties;

private:
  void addCotangent(mlir::func::FuncOp function, mlir::Value result);

  const CaseGraph& graph_;
  mlir::DialectRegistry registry_;
};

void GradientGraph::addCotangent(mlir::func::FuncOp function,
                                 mlir::Value result) {
  auto type = tensorOf(result);
  DType dtype = *dtypeOf(type.getElementType());
  auto made = makeOperand("normal", Shape(type.getShape()), dtype, 7);
  ASSERT_TRUE(made.ok());
  cotangent = *std::move(made);
  cotangentInput = {dtype, cotangent.shape, encode(cotangent, dtype)};
  auto name = mlir::StringAttr::get(function.getContext(), "cotangent");
  unsigned last = function.getNumArguments();
  ASSERT_TRUE(
      succeeded(function.insertArgument(last, type, {}, function.getLoc())));
  function.setArgAttr(last, "burin.name", name);
}

void GradientGraph::build() {
  mlir::MLIRContext context(registry_);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(graph_.text, &context);
  ASSERT_TRUE(module);
  auto function = *module->getOps<mlir::func::FuncOp>().begin();
  mlir::Operation* terminator = function.getBody().front().getTerminator();
  mlir::Operation* op = terminator->getOperand(0).getDefiningOp();
  properties = propertiesOf(op);
  if (!mlir::isa<mlir::FloatType>(elementOf(op->getResult(0))))
    GTEST_SKIP() << "integers have no derivative";
  addCotangent(function, op->getResult(0));
  mlir::OpBuilder builder(terminator);
  llvm::SmallVector<bool> vary;
  for (mlir::Value operand : op->getOperands())
    vary.push_back(mlir::isa<mlir::FloatType>(elementOf(operand)));
  needed.assign(vary.begin(), vary.end());
  auto gradients = mlir::cast<Differentiable>(op).vjp(
      builder, function.getArguments().back(), vary);
  ASSERT_TRUE(succeeded(gradients));
  ASSERT_EQ(gradients->size(), op->getNumOperands());
  llvm::SmallVector<mlir::Value> results;
  for (auto [operand, gradient] : llvm::zip(op->getOperands(), *gradients)) {
    names.emplace_back();
    if (!gradient)
      continue;
    ASSERT_EQ(gradient.getType(), operand.getType());
    names.back() = "gradient" + std::to_string(names.size() - 1);
    results.push_back(gradient);
  }
  terminator->setOperands(results);
  function.setAllResultAttrs(mlir::ArrayRef<mlir::DictionaryAttr>());
  function.setType(builder.getFunctionType(function.getArgumentTypes(),
                                           mlir::ValueRange(results)));
  unsigned next = 0;
  for (const std::string& name : names)
    if (!name.empty())
      function.setResultAttr(next++, "burin.name", builder.getStringAttr(name));
  llvm::raw_string_ostream stream(text);
  module->print(stream);
}

class Vjp : public ::testing::Test {
public:
  explicit Vjp(Case row) : row_(std::move(row)) {}

  void TestBody() override {
    CaseGraph graph(row_);
    graph.build();
    GradientGraph gradients(graph);
    if (!HasFatalFailure())
      gradients.build();
    if (HasFatalFailure() || IsSkipped())
      return;
    std::vector<std::byte> module = testing::compileText(gradients.text);
    if (HasFailure())
      return;
    testing::Tensors inputs = graph.inputs;
    inputs["cotangent"] = gradients.cotangentInput;
    testing::Tensors outputs =
        testing::run(module, "main", inputs, graph.parameters);
    for (size_t k = 0; k < gradients.names.size(); ++k) {
      const std::string& name = gradients.names[k];
      if (gradients.needed[k])
        check(graph, gradients, k, name.empty() ? nullptr : &outputs[name]);
    }
  }

private:
  double loss(const GradientGraph& gradients,
              const std::vector<ReferenceTensor>& operands) {
    auto y = referenceOf(row_.op).function(gradients.properties, operands);
    double sum = 0;
    for (int64_t i = 0; i < y[0].count(); ++i)
      sum += y[0].values[i] * gradients.cotangent.values[i];
    return sum;
  }

  // Holds some elements of the gradient of operand `k`, or zero where there is
  // none, to differences.
  void check(const CaseGraph& graph, const GradientGraph& gradients, size_t k,
             const testing::Tensor* gradient) {
    std::vector<ReferenceTensor> operands = graph.operands();
    ReferenceTensor& operand = operands[k];
    std::vector<double> all(operand.count());
    if (gradient)
      all = decode(gradient->data, gradient->shape, gradient->dtype).values;
    ASSERT_EQ(static_cast<int64_t>(all.size()), operand.count());
    std::mt19937 engine(k);
    std::vector<double> values, differences;
    for (int64_t i = 0; i < std::min(kElements, operand.count()); ++i) {
      const size_t at = engine() % operand.count();
      const double before = operand.values[at];
      operand.values[at] = before + kStep;
      const double above = loss(gradients, operands);
      operand.values[at] = before - kStep;
      const double below = loss(gradients, operands);
      operand.values[at] = before;
      values.push_back(all[at]);
      differences.push_back((above - below) / (2 * kStep));
    }
    const DType dtype = gradient ? gradient->dtype : DType::kF32;
    if (std::ranges::all_of(differences, isNothing)) {
      checkNothing(values, dtype, operands);
      return;
    }
    const Shape shape{static_cast<int64_t>(values.size())};
    auto outcome =
        compare("product", dtype, {shape, values}, {shape, differences});
    ASSERT_TRUE(outcome.ok()) << outcome.status().message();
    EXPECT_LE(outcome->share, 1) << "operand " << k << ": " << outcome->worst;
  }

  static bool isNothing(double difference) {
    return std::abs(difference) < 1e-9; // what rounding leaves of one
  }

  // Terms cancel, as where softmax has one weight: what their rounding leaves
  // is in proportion to the operands.
  static void checkNothing(const std::vector<double>& values, DType dtype,
                           const std::vector<ReferenceTensor>& operands) {
    double largest = 0;
    for (const ReferenceTensor& operand : operands)
      for (double value : operand.values)
        largest = std::max(largest, std::abs(value));
    for (double value : values)
      EXPECT_LE(std::abs(value),
                (dtype == DType::kF32 ? 0x1p-18 : 0x1p-7) * largest);
  }

  Case row_;
};

// Ops that have no gradient, each for a reason.
const std::map<std::string_view, std::string_view> kWithout = {
    {"argmax", "a position does not vary"},
    {"attention_gradient", "a second derivative that is not written"},
    {"constant", "reads nothing"},
    {"conv2d_weight_gradient", "a second derivative that is not written"},
    {"parameter", "reads nothing"},
    {"random_normal", "noise depends on a seed alone"},
    {"timestep_embedding", "steps are given"},
    {"group_affine", "two results; group_norm's gradient is made of it"},
};

// Cases with a derivative: of numbers that are finite and mean to stay so. Ids
// outside a table have NaN for a result, and equal numbers lie at a jump. What
// is streamed is so large that hundreds of references take minutes.
bool varies(const Case& row) {
  for (const char* name : {"outside", "greater_equal", "streamed"})
    if (row.name.starts_with(name))
      return false;
  if (kWithout.contains(row.op))
    return false;
  for (const std::string& recipe : row.operands)
    for (const char* word : {"inf", "nan", "edges", "bits"})
      if (recipe.find(word) != std::string::npos)
        return false;
  return true;
}

} // namespace
} // namespace burin::numerics

int main(int argc, char** argv) {
  using namespace burin::numerics;
  ::testing::InitGoogleTest(&argc, argv);
  const std::string_view types[] = {"f32", "bf16"};
  auto cases = readCases("tests/numerics/cases", types);
  if (!cases.ok()) {
    std::fprintf(stderr, "%s\n", cases.status().message().c_str());
    return 1;
  }
  for (const Case& row : *cases)
    if (varies(row))
      ::testing::RegisterTest(
          row.op.c_str(), row.name.c_str(), nullptr, nullptr, __FILE__,
          __LINE__, [row]() -> ::testing::Test* { return new Vjp(row); });
  return RUN_ALL_TESTS();
}
