// SPDX-License-Identifier: Apache-2.0
// A case as a graph with its operands, and what its op's reference gives.
#pragma once

#include "tests/compiler/harness.h"
#include "tests/numerics/case_file.h"

#include "mlir/IR/Operation.h"

#include "ops/reference.h"

namespace burin::numerics {

struct CaseResult {
  std::string name;
  DType dtype;
  ReferenceTensor expected;
};

// The op's oracle, and the properties as it takes them. Failures are the
// running test's.
const Reference& referenceOf(std::string_view op);
ReferenceProperties propertiesOf(mlir::Operation* op);

// Failures of `build` are the running test's.
class CaseGraph {
public:
  explicit CaseGraph(const Case& row) : row_(row) {
    registerCompiler(registry_);
  }

  // Fills in everything below. What is not of the graph is not in inputs or
  // parameters.
  void build();

  std::string text; // of a module with the function "main"
  testing::Tensors inputs;
  testing::Tensors parameters;
  std::vector<CaseResult> results;
  const std::vector<ReferenceTensor>& operands() const { return operands_; }

private:
  std::string parameterName(size_t operand) const {
    return row_.name + "." + std::to_string(operand);
  }
  std::string header();
  void fill(size_t operand, mlir::RankedTensorType type);
  void computeResults(mlir::Operation* op);

  const Case& row_;
  mlir::DialectRegistry registry_;
  std::vector<ReferenceTensor> operands_;
};

} // namespace burin::numerics
