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

// exp(x) rounded once: the last bit of a frequency matters.
static Scalar preciseExp(OpBuilder& builder, Location location,
                         const Scalar& x) {
  Value wide =
      convertScalar(builder, location, x.value(), builder.getF64Type());
  Scalar power = exp(Scalar(builder, location, wide));
  return {builder, location,
          convertScalar(builder, location, power.value(), x.type())};
}

// The wave of one column: sines below `half`, cosines from there, or the
// other way round; in float32 as the definition says.
static Scalar wave(TimestepEmbeddingOp op, OpBuilder& builder, Location at,
                   Value time, Value column) {
  Type f32 = builder.getF32Type();
  int64_t half = op.getWidth() / 2;
  auto below = [&](int64_t limit) -> Value {
    Value bound = arith::ConstantOp::create(builder, at,
                                            builder.getI64IntegerAttr(limit));
    return arith::CmpIOp::create(builder, at, arith::CmpIPredicate::slt, column,
                                 bound);
  };
  auto select = [&](Value test, const Scalar& yes, const Scalar& no) {
    Value chosen =
        arith::SelectOp::create(builder, at, test, yes.value(), no.value());
    return Scalar(builder, at, chosen);
  };
  Value first = below(half);
  Scalar j(builder, at, convertScalar(builder, at, column, f32));
  Scalar number = select(first, j, j + -half);
  Scalar exponent =
      number * -std::log(op.getMaxPeriod()) / (half - op.getShift());
  Scalar angle = Scalar(builder, at, convertScalar(builder, at, time, f32)) *
                 preciseExp(builder, at, exponent);
  Scalar sine = angle.apply<math::SinOp>();
  Scalar cosine = angle.apply<math::CosOp>();
  Scalar result = op.getFlipSinToCos() ? select(first, cosine, sine)
                                       : select(first, sine, cosine);
  if (op.getWidth() % 2 == 0)
    return result;
  return select(below(2 * half), result, result.constant(0));
}

FailureOr<SmallVector<Value>> TimestepEmbeddingOp::lower(OpBuilder& builder) {
  Input time{getTime(), leadingMap(getContext(), 2, 1)};
  Value result =
      emitMap(builder, getLoc(), tensorOf(getOutput()), time,
              [&](OpBuilder& inner, Location at, ValueRange elements) {
                Value index = linalg::IndexOp::create(inner, at, 1);
                Value column = arith::IndexCastOp::create(
                    inner, at, inner.getI64Type(), index);
                return wave(*this, inner, at, elements[0], column).value();
              });
  return SmallVector<Value>{result};
}

} // namespace burin
