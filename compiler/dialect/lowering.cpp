// SPDX-License-Identifier: Apache-2.0
// Builds the linalg that ops lower to.
#include "compiler/dialect/lowering.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace burin {

Type computeType(Type element) {
  auto type = dyn_cast<FloatType>(element);
  if (type && type.getWidth() < 32)
    return Float32Type::get(element.getContext());
  return element;
}

RankedTensorType computeTensor(ArrayRef<int64_t> shape, Type element) {
  return RankedTensorType::get(shape, computeType(element));
}

static Value convertFloat(OpBuilder& builder, Location location, Value value,
                          FloatType to) {
  unsigned from = cast<FloatType>(value.getType()).getWidth();
  if (from == to.getWidth()) { // f16 and bf16 meet in float32
    Type wide = builder.getF32Type();
    value = arith::ExtFOp::create(builder, location, wide, value);
    return arith::TruncFOp::create(builder, location, to, value);
  }
  if (from < to.getWidth())
    return arith::ExtFOp::create(builder, location, to, value);
  return arith::TruncFOp::create(builder, location, to, value);
}

Value convertScalar(OpBuilder& builder, Location location, Value value,
                    Type type) {
  Type from = value.getType();
  if (from == type)
    return value;
  auto toFloat = dyn_cast<FloatType>(type);
  if (isa<FloatType>(from) && toFloat)
    return convertFloat(builder, location, value, toFloat);
  if (isa<FloatType>(from)) {
    value = convertScalar(builder, location, value, computeType(from));
    return arith::FPToSIOp::create(builder, location, type, value);
  }
  if (toFloat) { // narrow floats by way of float32, as in all arithmetic
    Type wide = computeType(type);
    value = arith::SIToFPOp::create(builder, location, wide, value);
    return convertScalar(builder, location, value, type);
  }
  if (from.getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtSIOp::create(builder, location, type, value);
  return arith::TruncIOp::create(builder, location, type, value);
}

AffineMap broadcastMap(MLIRContext* context, ArrayRef<int64_t> shape,
                       unsigned rank) {
  SmallVector<AffineExpr> exprs;
  unsigned missing = rank - shape.size();
  for (auto [i, extent] : llvm::enumerate(shape))
    exprs.push_back(extent == 1 ? getAffineConstantExpr(0, context)
                                : getAffineDimExpr(missing + i, context));
  return AffineMap::get(rank, 0, exprs, context);
}

// Not getMajorSubMap, which has no map of no results.
AffineMap leadingMap(MLIRContext* context, unsigned rank, unsigned results) {
  AffineMap all = AffineMap::getMultiDimIdentityMap(rank, context);
  return AffineMap::get(rank, 0, all.getResults().take_front(results), context);
}

Target::Target(RankedTensorType type)
    : type(type), map(AffineMap::getMultiDimIdentityMap(type.getRank(),
                                                        type.getContext())) {}

// The body sees the inputs' elements and then the start's.
static Value emitGeneric(OpBuilder& builder, Location location, Value start,
                         AffineMap startMap, ArrayRef<Input> inputs,
                         ScalarBody body) {
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  for (const Input& input : inputs) {
    tensors.push_back(input.tensor);
    maps.push_back(input.map);
  }
  maps.push_back(startMap);
  SmallVector<utils::IteratorType> loops(startMap.getNumDims(),
                                         utils::IteratorType::reduction);
  for (AffineExpr expr : startMap.getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      loops[dim.getPosition()] = utils::IteratorType::parallel;
  auto generic = linalg::GenericOp::create(
      builder, location, start.getType(), tensors, start, maps, loops,
      [&](OpBuilder& inner, Location at, ValueRange elements) {
        linalg::YieldOp::create(inner, at, body(inner, at, elements));
      });
  return generic.getResult(0);
}

Value emitMap(OpBuilder& builder, Location location, Target target,
              ArrayRef<Input> inputs, ScalarBody body) {
  Value start = tensor::EmptyOp::create(
      builder, location, target.type.getShape(), target.type.getElementType());
  return emitGeneric(builder, location, start, target.map, inputs,
                     [&](OpBuilder& inner, Location at, ValueRange elements) {
                       return body(inner, at, elements.drop_back());
                     });
}

static SmallVector<Scalar> asScalars(OpBuilder& builder, Location location,
                                     ValueRange elements, Type type) {
  SmallVector<Scalar> scalars;
  for (Value element : elements)
    scalars.emplace_back(builder, location,
                         convertScalar(builder, location, element, type));
  return scalars;
}

Value emitFloatMap(OpBuilder& builder, Location location, Target target,
                   ArrayRef<Input> inputs, FloatBody body) {
  Type element = target.type.getElementType();
  return emitMap(builder, location, target, inputs,
                 [&](OpBuilder& inner, Location at, ValueRange elements) {
                   Scalar y = body(
                       asScalars(inner, at, elements, computeType(element)));
                   return convertScalar(inner, at, y.value(), element);
                 });
}

Value emitReduction(OpBuilder& builder, Location location, Target target,
                    TypedAttr initial, ArrayRef<Input> inputs,
                    ScalarBody body) {
  Value start = emitMap(builder, location, Target(target.type), {},
                        [&](OpBuilder& inner, Location at, ValueRange) {
                          return arith::ConstantOp::create(inner, at, initial);
                        });
  return emitGeneric(builder, location, start, target.map, inputs,
                     [&](OpBuilder& inner, Location at, ValueRange elements) {
                       SmallVector<Value> ordered{elements.back()};
                       llvm::append_range(ordered, elements.drop_back());
                       return body(inner, at, ordered);
                     });
}

Value emitFloatReduction(OpBuilder& builder, Location location, Target target,
                         double initial, ArrayRef<Input> inputs,
                         FloatBody body) {
  Type element = target.type.getElementType();
  return emitReduction(
      builder, location, target, builder.getFloatAttr(element, initial), inputs,
      [&](OpBuilder& inner, Location at, ValueRange elements) {
        return body(asScalars(inner, at, elements, element)).value();
      });
}

} // namespace burin
