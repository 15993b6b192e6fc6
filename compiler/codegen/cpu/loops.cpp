// SPDX-License-Identifier: Apache-2.0
// Emits loops as blocks: the only control flow in generated code.
#include "compiler/codegen/cpu/loops.h"

using namespace mlir;

namespace burin {

Value LoopEmitter::constant(int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
}

static std::optional<int64_t> constantValue(Value value) {
  if (auto op = value.getDefiningOp<arith::ConstantOp>())
    if (auto number = dyn_cast<IntegerAttr>(op.getValue()))
      return number.getInt();
  return std::nullopt;
}

Value LoopEmitter::add(Value x, Value y) {
  if (constantValue(x) == 0)
    return y;
  if (constantValue(y) == 0)
    return x;
  return arith::AddIOp::create(b, loc, x, y, arith::IntegerOverflowFlags::nsw);
}

Value LoopEmitter::mul(Value x, Value y) {
  if (constantValue(x) == 1 || constantValue(y) == 0)
    return y;
  if (constantValue(y) == 1 || constantValue(x) == 0)
    return x;
  return arith::MulIOp::create(b, loc, x, y, arith::IntegerOverflowFlags::nsw);
}

Value LoopEmitter::floorDiv(Value x, int64_t divisor) {
  return divisor == 1 ? x
                      : arith::DivUIOp::create(b, loc, x, constant(divisor));
}

Value LoopEmitter::mod(Value x, int64_t divisor) {
  return divisor == 1 ? constant(0)
                      : arith::RemUIOp::create(b, loc, x, constant(divisor));
}

Value LoopEmitter::evaluate(AffineExpr expr, ValueRange dims) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return constant(number.getValue());
  auto pair = cast<AffineBinaryOpExpr>(expr);
  Value left = evaluate(pair.getLHS(), dims);
  if (expr.getKind() == AffineExprKind::Add)
    return add(left, evaluate(pair.getRHS(), dims));
  int64_t right = cast<AffineConstantExpr>(pair.getRHS()).getValue();
  if (expr.getKind() == AffineExprKind::Mul)
    return mul(left, constant(right));
  if (expr.getKind() == AffineExprKind::FloorDiv)
    return floorDiv(left, right);
  return mod(left, right);
}

Type LoopEmitter::memoryType(Type element) {
  if (element.isBF16())
    return b.getI16Type();
  return element.isInteger(1) ? b.getI8Type() : element;
}

Value LoopEmitter::address(Value base, Type element, Value index) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  return LLVM::GEPOp::create(b, loc, pointer, memoryType(element), base,
                             ArrayRef<LLVM::GEPArg>{index},
                             LLVM::GEPNoWrapFlags::inbounds);
}

SmallVector<Value> LoopEmitter::loop(Value lower, Value upper,
                                     ValueRange initial, Body body,
                                     LLVM::AccessGroupAttr parallel) {
  Block* before = b.getInsertionBlock();
  Region* region = before->getParent();
  SmallVector<Type> types = {b.getI64Type()};
  llvm::append_range(types, initial.getTypes());
  Block* header = b.createBlock(region, region->end(), types,
                                SmallVector<Location>(types.size(), loc));
  Block* inside = b.createBlock(region, region->end());
  Block* after = b.createBlock(region, region->end());

  SmallVector<Value> entry = {lower};
  llvm::append_range(entry, initial);
  b.setInsertionPointToEnd(before);
  LLVM::BrOp::create(b, loc, entry, header);

  Value index = header->getArgument(0);
  b.setInsertionPointToEnd(header);
  Value more =
      LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, index, upper);
  LLVM::CondBrOp::create(b, loc, more, inside, after);

  b.setInsertionPointToEnd(inside);
  SmallVector<Value> carried = body(index, header->getArguments().drop_front());
  SmallVector<Value> back = {add(index, constant(1))};
  llvm::append_range(back, carried);
  auto branch = LLVM::BrOp::create(b, loc, back, header);
  if (parallel) {
    LLVM::AccessGroupAttr groups[] = {parallel};
    branch.setLoopAnnotationAttr(LLVM::LoopAnnotationAttr::get(
        b.getContext(), /*disableNonforced=*/{}, /*vectorize=*/{},
        /*interleave=*/{}, /*unroll=*/{}, /*unrollAndJam=*/{}, /*licm=*/{},
        /*distribute=*/{}, /*pipeline=*/{}, /*peeled=*/{}, /*unswitch=*/{},
        /*mustProgress=*/{}, /*isVectorized=*/{}, /*startLoc=*/{},
        /*endLoc=*/{}, groups));
  }
  b.setInsertionPointToEnd(after);
  return llvm::to_vector_of<Value>(header->getArguments().drop_front());
}

} // namespace burin
