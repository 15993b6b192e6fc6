// SPDX-License-Identifier: Apache-2.0
// Chooses which scalar functions become MLIR's polynomial approximations.
#include "compiler/codegen/cpu/expand_math.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace burin {

LogicalResult expandMath(Operation* root) {
  // MLIR's logarithm is wrong below the smallest normal number, and its sine
  // and cosine lose digits for the large angles of position embeddings.
  auto chosen = [](StringRef name) {
    return name == math::ExpOp::getOperationName() ||
           name == math::ErfOp::getOperationName() ||
           name == math::TanhOp::getOperationName();
  };
  RewritePatternSet patterns(root->getContext());
  populateMathPolynomialApproximationPatterns(patterns, chosen);
  return applyPatternsGreedily(root, std::move(patterns));
}

} // namespace burin
