// SPDX-License-Identifier: Apache-2.0
// One golden file: the graph it is about, and what goes in and must come out.
#pragma once

#include "formats/safetensors/safetensors.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>
#include <vector>

namespace burin::golden {

struct Function {
  std::string name;
  std::vector<TensorView> inputs; // by the names of the function's values
  std::vector<TensorView> outputs;
};

class Golden {
public:
  // tests/models/golden/<name>.safetensors, from the source tree's root.
  static Result<Golden> open(const std::string& name);

  const SafetensorsFile& file() const { return file_; }
  const std::vector<Function>& functions() const { return functions_; }
  // The graph that the metadata describes, with activations of that type.
  Result<mlir::OwningOpRef<mlir::ModuleOp>>
  build(mlir::MLIRContext& context, DType precision = DType::kF32) const;

private:
  explicit Golden(SafetensorsFile file);

  SafetensorsFile file_;
  std::vector<Function> functions_;
};

// |actual - expected| / |expected| of two float tensors of one shape.
double relativeError(const TensorView& actual, const TensorView& expected);

} // namespace burin::golden
