// SPDX-License-Identifier: Apache-2.0
// Scalar code of linalg bodies as CUDA C++.
//
// Values live in registers as float (also for f16 and bf16, which are rounded
// where they are stored), double, int, long long or bool.
#pragma once

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <string>

namespace burin {

// The type a value of `element` has in a register.
llvm::StringRef registerType(mlir::Type element);
// The type it has in memory (common/math.cuh).
llvm::StringRef storageType(mlir::Type element);

// Index expressions over named dimensions.
std::string printAffine(mlir::AffineExpr expr,
                        llvm::ArrayRef<std::string> dims);

class ScalarPrinter {
public:
  // `fast` allows functions that are accurate to a few units of float32's
  // last place only.
  explicit ScalarPrinter(bool fast) : fast_(fast) {}

  // Prints the statements of `op`'s body, each line after `indent`.
  // `arguments` are the expressions of its block arguments, `dims` those of
  // its loops. The answer is one expression a result.
  mlir::FailureOr<llvm::SmallVector<std::string>>
  print(mlir::linalg::GenericOp op, llvm::ArrayRef<std::string> arguments,
        llvm::ArrayRef<std::string> dims, llvm::StringRef indent,
        std::string& text);

private:
  mlir::LogicalResult printOp(mlir::Operation& op, llvm::StringRef indent,
                              std::string& text);
  std::string expression(mlir::Value value);
  std::string quotient(mlir::Operation& op);
  std::string mathCall(mlir::Operation& op, llvm::StringRef function);
  std::string literal(mlir::TypedAttr value);

  bool fast_;
  unsigned count_ = 0;
  llvm::DenseMap<mlir::Value, std::string> names_;
};

} // namespace burin
