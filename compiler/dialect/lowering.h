// SPDX-License-Identifier: Apache-2.0
// The few shapes of linalg that ops lower to: elementwise maps and row
// reductions, each one `linalg.generic` whose maps are projected permutations
// (with zeros where an extent of one repeats).
#pragma once

#include "compiler/dialect/inference.h"
#include "compiler/dialect/scalar.h"

#include "mlir/IR/AffineMap.h"

namespace burin {

// The type that arithmetic on `element` is done in: float32 for narrower
// floats, else itself.
mlir::Type computeType(mlir::Type element);
// `tensor` with the elements that arithmetic on it is done in.
mlir::RankedTensorType computeTensor(mlir::ArrayRef<int64_t> shape,
                                     mlir::Type element);

// A scalar as another float or signed integer type.
mlir::Value convertScalar(mlir::OpBuilder& builder, mlir::Location location,
                          mlir::Value value, mlir::Type type);

// The map with which a tensor of `shape` is read, repeating, in a domain of
// `rank` loops: aligned at the last axis, zero where an extent is one.
mlir::AffineMap broadcastMap(mlir::MLIRContext* context,
                             mlir::ArrayRef<int64_t> shape, unsigned rank);

// The map that names the first `results` of `rank` loops.
mlir::AffineMap leadingMap(mlir::MLIRContext* context, unsigned rank,
                           unsigned results);

// Emits the value of one element from one element of each input.
using ScalarBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder&, mlir::Location, mlir::ValueRange)>;
using FloatBody = llvm::function_ref<Scalar(llvm::ArrayRef<Scalar>)>;

struct Input {
  mlir::Value tensor;
  mlir::AffineMap map;
};

// Where a generic writes: `map` says which loop each axis of the result is.
// Loops it does not name fold; they come last.
struct Target {
  Target(mlir::RankedTensorType type); // one loop an axis, in order
  Target(mlir::RankedTensorType type, mlir::AffineMap map)
      : type(type), map(map) {}
  mlir::RankedTensorType type;
  mlir::AffineMap map;
};

// One generic without reductions. The body sees the elements as they are
// stored and gives one of the target.
mlir::Value emitMap(mlir::OpBuilder& builder, mlir::Location location,
                    Target target, llvm::ArrayRef<Input> inputs,
                    ScalarBody body);

// The same for float arithmetic: the body sees the elements in the type that
// arithmetic on the target's is done in, and its answer is rounded.
mlir::Value emitFloatMap(mlir::OpBuilder& builder, mlir::Location location,
                         Target target, llvm::ArrayRef<Input> inputs,
                         FloatBody body);

// One generic that fills the target with `initial` and one that folds over
// it. The body sees {accumulator, elements...}.
mlir::Value emitReduction(mlir::OpBuilder& builder, mlir::Location location,
                          Target target, mlir::TypedAttr initial,
                          llvm::ArrayRef<Input> inputs, ScalarBody body);

// The same for a target of a float compute type, elements converted to it.
mlir::Value emitFloatReduction(mlir::OpBuilder& builder,
                               mlir::Location location, Target target,
                               double initial, llvm::ArrayRef<Input> inputs,
                               FloatBody body);

} // namespace burin
