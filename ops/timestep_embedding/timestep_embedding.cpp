// SPDX-License-Identifier: Apache-2.0
// Sinusoidal time: inference and lowering.
#include "compiler/dialect/dialect.h"
#include "compiler/dialect/lowering.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cmath>

using namespace mlir;

namespace burin {

LogicalResult TimestepEmbeddingOp::inferReturnTypes(
    MLIRContext* context, std::optional<Location> location, Adaptor op,
    SmallVectorImpl<Type>& types) {
  auto time = shapeOf(op.getTime());
  if (time.size() != 1)
    return reject<TimestepEmbeddingOp>(location, "time is [", time,
                                       "], needs [batch]");
  if (op.getWidth() < 2)
    return reject<TimestepEmbeddingOp>(location, "width ", op.getWidth(),
                                       " is less than 2");
  if (!(op.getMaxPeriod() > 0))
    return reject<TimestepEmbeddingOp>(location, "max_period ",
                                       op.getMaxPeriod(), " is not positive");
  if (!(op.getShift() < op.getWidth() / 2))
    return reject<TimestepEmbeddingOp>(location, "shift ", op.getShift(),
                                       " is not less than width / 2");
  types.push_back(RankedTensorType::get({time[0], op.getWidth()},
                                        Float32Type::get(context)));
  return success();
}

// The column is computed in float32 in the order of the original networks'
// code: at a time of 1000 another rounding of the frequency is seen.
FailureOr<SmallVector<Value>> TimestepEmbeddingOp::lower(OpBuilder& builder) {
  auto type = tensorOf(getOutput());
  int64_t half = getWidth() / 2;
  Input time{getTime(), builder.getMultiDimIdentityMap(2).getMajorSubMap(1)};
  Value result = emitMap(
      builder, getLoc(), type, time,
      [&](OpBuilder& inner, Location at, ValueRange elements) -> Value {
        Value column =
            arith::IndexCastOp::create(inner, at, inner.getI64Type(),
                                       linalg::IndexOp::create(inner, at, 1));
        auto below = [&](int64_t limit) -> Value {
          Value bound = arith::ConstantOp::create(
              inner, at, inner.getI64IntegerAttr(limit));
          return arith::CmpIOp::create(inner, at, arith::CmpIPredicate::slt,
                                       column, bound);
        };
        auto select = [&](Value test, Value yes, Value no) -> Value {
          return arith::SelectOp::create(inner, at, test, yes, no);
        };
        Type f32 = inner.getF32Type();
        Scalar j(inner, at, convertScalar(inner, at, column, f32));
        Value first = below(half);
        Scalar number(inner, at, select(first, j.value(), (j + -half).value()));
        Scalar frequency =
            exp(number * -std::log(getMaxPeriod()) / (half - getShift()));
        Scalar angle =
            Scalar(inner, at, convertScalar(inner, at, elements[0], f32)) *
            frequency;
        Value sine = angle.apply<math::SinOp>().value();
        Value cosine = angle.apply<math::CosOp>().value();
        if (getFlipSinToCos())
          std::swap(sine, cosine);
        Value wave = select(first, sine, cosine);
        if (getWidth() % 2 == 0)
          return wave;
        return select(below(2 * half), wave, angle.constant(0).value());
      });
  return SmallVector<Value>{result};
}

} // namespace burin
