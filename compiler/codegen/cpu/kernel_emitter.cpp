// SPDX-License-Identifier: Apache-2.0
// The loop nest of a kernel:
//
//   for each row                       (a work item, or a row of the tile)
//     for each generic, in order
//       initialise reductions
//       for the loops inside the row: load, compute, store
//
// Values that no one outside needs live in a row-sized buffer on the stack,
// which LLVM turns into registers where it has one element.
#include "compiler/codegen/cpu/kernel_emitter.h"

#include "compiler/codegen/cpu/loops.h"
#include "compiler/codegen/cpu/row_form.h"
#include "compiler/passes/kernels.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace burin {

namespace {

// The most that a kernel may keep on its stack for one row.
constexpr int64_t kMaxRowBytes = 256 * 1024;

// Where the elements of a tensor are.
struct Storage {
  Value base;  // !llvm.ptr
  Value pitch; // elements from row to row; null where only one row is kept
  Type element;
  SmallVector<int64_t> shape;
  Value rowOrigin; // of a tile: the row and column of its first element
  Value columnOrigin;
};

class KernelEmitter {
public:
  KernelEmitter(OpBuilder& builder, func::FuncOp kernel)
      : b_(builder), emit_(builder, kernel.getLoc()), kernel_(kernel),
        epilogue_(kernel->hasAttr(kEpilogueAttr)), rows_(rowExtents(kernel)) {}

  FailureOr<LLVM::LLVMFuncOp> run();

private:
  LLVM::LLVMFuncOp createFunction();
  void noteInPlace();
  Storage view(unsigned index, Value tensor);
  void bindArguments();
  LogicalResult allocateTemporaries();
  void emitRow(Value row);
  void emitGeneric(linalg::GenericOp op, Value row, SmallVector<Value> dims);
  void emitInitials(linalg::GenericOp op, Value row, SmallVector<Value> dims);
  void nest(ArrayRef<unsigned> order, linalg::GenericOp op,
            SmallVector<Value>& dims,
            llvm::function_ref<void(ArrayRef<Value>)> body);
  void emitInnermost(linalg::GenericOp op, Value row, SmallVector<Value>& dims,
                     unsigned dim);
  SmallVector<Value> emitBody(linalg::GenericOp op, Value row,
                              ArrayRef<Value> dims, ValueRange elements,
                              bool reducing);
  Value addressOf(const Storage& storage, AffineMap map,
                  ArrayRef<int64_t> extents, Value row, ValueRange dims);
  Value load(const Storage& storage, Value address);
  void store(const Storage& storage, Value value, Value address);
  std::pair<Value, Value> bounds(linalg::GenericOp op, unsigned dim);
  SmallVector<Value> rowDims(Value row);

  OpBuilder& b_;
  LoopEmitter emit_;
  func::FuncOp kernel_;
  bool epilogue_;
  SmallVector<int64_t> rows_;
  LLVM::LLVMFuncOp function_;
  DenseMap<Value, Storage> storage_;
  Value column_, columnEnd_;       // of an epilogue's tile
  LLVM::AccessGroupAttr parallel_; // of the innermost loop being emitted
};

static bool hasReductions(linalg::GenericOp op) {
  return op.getNumReductionLoops() > 0;
}

FailureOr<LLVM::LLVMFuncOp> KernelEmitter::run() {
  for (Operation& op : kernel_.getBody().front().without_terminator())
    if (!isa<linalg::GenericOp, tensor::EmptyOp, arith::ConstantOp>(op))
      return op.emitOpError("is not a form that loops are generated from");
  OpBuilder::InsertionGuard guard(b_);
  function_ = createFunction();
  b_.setInsertionPointToStart(function_.addEntryBlock(b_));
  bindArguments();
  if (failed(allocateTemporaries()))
    return failure();
  unsigned first = epilogue_ ? 3 : 1;
  Value begin = function_.getArgument(first);
  Value end = function_.getArgument(first + 1);
  if (epilogue_)
    end = emit_.add(begin, end);
  emit_.loop(begin, end, {}, [&](Value row, ValueRange) {
    emitRow(row);
    return SmallVector<Value>();
  });
  LLVM::ReturnOp::create(b_, emit_.loc, ValueRange());
  noteInPlace();
  return function_;
}

// Whether two maps name the same element at every point of the loops.
static bool sameElement(AffineMap a, AffineMap b, ArrayRef<int64_t> extents) {
  auto isZero = [&](AffineExpr expr) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return extents[dim.getPosition()] == 1;
    return expr == 0;
  };
  return a.getNumResults() == b.getNumResults() &&
         llvm::all_of(llvm::zip(a.getResults(), b.getResults()),
                      [&](auto pair) {
                        auto [x, y] = pair;
                        return x == y || (isZero(x) && isZero(y));
                      });
}

// An argument may share a result's memory if its elements are read where, and
// no later than when, the same elements of the result are written: by that one
// generic, all parallel.
void KernelEmitter::noteInPlace() {
  Operation* end = kernel_.getBody().front().getTerminator();
  unsigned firstArgument = epilogue_ ? 1 : 0;
  SmallVector<int64_t> answer(end->getNumOperands(), -1);
  llvm::SmallDenseSet<Value> taken;
  for (auto [i, result] : llvm::enumerate(end->getOperands())) {
    auto writer = result.getDefiningOp<linalg::GenericOp>();
    if (!writer || hasReductions(writer))
      continue;
    AffineMap written =
        writer.getIndexingMapMatchingResult(cast<OpResult>(result));
    for (OpOperand* input : writer.getDpsInputOperands()) {
      auto argument = dyn_cast<BlockArgument>(input->get());
      if (!argument || argument.getArgNumber() < firstArgument ||
          argument.getType() != result.getType() || !argument.hasOneUse() ||
          !sameElement(writer.getMatchingIndexingMap(input), written,
                       writer.getStaticLoopRanges()) ||
          !isRowAligned(written, rows_) || !taken.insert(argument).second)
        continue;
      answer[i] = argument.getArgNumber() - firstArgument;
      break;
    }
  }
  function_->setAttr(kInPlaceAttr, b_.getDenseI64ArrayAttr(answer));
}

LLVM::LLVMFuncOp KernelEmitter::createFunction() {
  MLIRContext* context = b_.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context);
  Type index = b_.getI64Type();
  SmallVector<Type> types = {pointer};
  if (epilogue_)
    types.append({pointer, index, index, index, index, index});
  else
    types.append({index, index});
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types);
  auto function =
      LLVM::LLVMFuncOp::create(b_, emit_.loc, kernel_.getSymName(), type);
  for (auto [i, argument] : llvm::enumerate(types))
    if (argument == pointer) {
      function.setArgAttr(i, LLVM::LLVMDialect::getNoCaptureAttrName(),
                          b_.getUnitAttr());
      function.setArgAttr(i, LLVM::LLVMDialect::getReadonlyAttrName(),
                          b_.getUnitAttr());
    }
  if (!epilogue_)
    function->setAttr(kWorkItemsAttr,
                      b_.getI64IntegerAttr(ShapedType::getNumElements(rows_)));
  return function;
}

// kernels::View number `index`: {void* data, int64_t pitch}.
Storage KernelEmitter::view(unsigned index, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Type pointer = LLVM::LLVMPointerType::get(b_.getContext());
  Value field = emit_.address(function_.getArgument(0), b_.getI64Type(),
                              emit_.constant(2 * index));
  Value base = LLVM::LoadOp::create(b_, emit_.loc, pointer, field);
  field = emit_.address(function_.getArgument(0), b_.getI64Type(),
                        emit_.constant(2 * index + 1));
  Value pitch = LLVM::LoadOp::create(b_, emit_.loc, b_.getI64Type(), field);
  return {
      base, pitch, type.getElementType(), SmallVector<int64_t>(type.getShape()),
      {},   {}};
}

void KernelEmitter::bindArguments() {
  unsigned next = 0;
  for (BlockArgument argument : kernel_.getArguments()) {
    if (!epilogue_ || argument.getArgNumber() > 0) {
      storage_[argument] = view(next++, argument);
      continue;
    }
    auto type = cast<RankedTensorType>(argument.getType());
    column_ = function_.getArgument(5);
    columnEnd_ = emit_.add(column_, function_.getArgument(6));
    storage_[argument] = {
        function_.getArgument(1), function_.getArgument(2),
        type.getElementType(),    SmallVector<int64_t>(type.getShape()),
        function_.getArgument(3), column_};
  }
  Operation* end = kernel_.getBody().front().getTerminator();
  for (Value result : end->getOperands())
    storage_[result] = view(next++, result);
}

LogicalResult KernelEmitter::allocateTemporaries() {
  int64_t total = 0;
  auto pointer = LLVM::LLVMPointerType::get(b_.getContext());
  for (auto op : kernel_.getBody().front().getOps<linalg::GenericOp>()) {
    for (Value result : op.getResults()) {
      if (storage_.count(result))
        continue;
      auto type = cast<RankedTensorType>(result.getType());
      ArrayRef<int64_t> inner = type.getShape().drop_front(rows_.size());
      int64_t count = ShapedType::getNumElements(inner);
      total += count * std::max(1u, type.getElementTypeBitWidth() / 8);
      if (total > kMaxRowBytes)
        return op.emitOpError("needs ")
               << total << " bytes for the values of one row, the limit is "
               << kMaxRowBytes;
      Value base = LLVM::AllocaOp::create(
          b_, emit_.loc, pointer, emit_.memoryType(type.getElementType()),
          emit_.constant(count), /*alignment=*/64);
      storage_[result] = {base,
                          {},
                          type.getElementType(),
                          SmallVector<int64_t>(type.getShape()),
                          {},
                          {}};
    }
  }
  return success();
}

// The leading coordinates of a row; LLVM drops those no one reads.
SmallVector<Value> KernelEmitter::rowDims(Value row) {
  SmallVector<Value> dims(rows_.size());
  Value rest = row;
  for (size_t i = rows_.size(); i-- > 0;) {
    dims[i] = i == 0 ? rest : emit_.mod(rest, rows_[i]);
    if (i > 0)
      rest = emit_.floorDiv(rest, rows_[i]);
  }
  return dims;
}

void KernelEmitter::emitRow(Value row) {
  SmallVector<Value> leading = rowDims(row);
  for (auto op : kernel_.getBody().front().getOps<linalg::GenericOp>()) {
    SmallVector<Value> dims = leading;
    dims.resize(op.getNumLoops());
    emitInitials(op, row, dims);
    emitGeneric(op, row, dims);
  }
}

std::pair<Value, Value> KernelEmitter::bounds(linalg::GenericOp op,
                                              unsigned dim) {
  if (epilogue_ && dim + 1 == op.getNumLoops())
    return {column_, columnEnd_};
  return {emit_.constant(0), emit_.constant(op.getStaticLoopRanges()[dim])};
}

// Runs `body` inside loops over `order`, but for the last of it, whose
// dimension is left to the body.
void KernelEmitter::nest(ArrayRef<unsigned> order, linalg::GenericOp op,
                         SmallVector<Value>& dims,
                         llvm::function_ref<void(ArrayRef<Value>)> body) {
  if (order.size() <= 1) {
    body(dims);
    return;
  }
  auto [lower, upper] = bounds(op, order[0]);
  emit_.loop(lower, upper, {}, [&](Value index, ValueRange) {
    dims[order[0]] = index;
    nest(order.drop_front(), op, dims, body);
    return SmallVector<Value>();
  });
}

// Copies the initial value of each reduction to where it accumulates.
void KernelEmitter::emitInitials(linalg::GenericOp op, Value row,
                                 SmallVector<Value> dims) {
  if (!hasReductions(op))
    return;
  SmallVector<unsigned> order;
  for (unsigned dim = rows_.size(); dim < op.getNumLoops(); ++dim)
    if (op.getIteratorTypesArray()[dim] == utils::IteratorType::parallel)
      order.push_back(dim);
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  auto copy = [&] {
    for (OpOperand& init : op.getDpsInitsMutable()) {
      const Storage& target = storage_.at(op.getTiedOpResult(&init));
      const Storage& source = storage_.at(init.get());
      AffineMap map = op.getMatchingIndexingMap(&init);
      store(target, load(source, addressOf(source, map, extents, row, dims)),
            addressOf(target, map, extents, row, dims));
    }
  };
  nest(order, op, dims, [&](ArrayRef<Value>) {
    if (order.empty())
      return copy();
    auto [lower, upper] = bounds(op, order.back());
    emit_.loop(lower, upper, {}, [&](Value index, ValueRange) {
      dims[order.back()] = index;
      copy();
      return SmallVector<Value>();
    });
  });
}

void KernelEmitter::emitGeneric(linalg::GenericOp op, Value row,
                                SmallVector<Value> dims) {
  SmallVector<unsigned> order;
  for (unsigned dim = rows_.size(); dim < op.getNumLoops(); ++dim)
    order.push_back(dim);
  nest(order, op, dims, [&](ArrayRef<Value>) {
    emitInnermost(op, row, dims,
                  order.empty() ? op.getNumLoops() : order.back());
  });
}

// The innermost loop, over `dim` (or none where `dim` is past the end). Loads
// that do not move with it are made before it; sums are carried in registers.
void KernelEmitter::emitInnermost(linalg::GenericOp op, Value row,
                                  SmallVector<Value>& dims, unsigned dim) {
  bool looped = dim < op.getNumLoops();
  bool reducing = looped && op.getIteratorTypesArray()[dim] ==
                                utils::IteratorType::reduction;
  bool reads = hasReductions(op);
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  auto moves = [&](AffineMap map) {
    return looped && map.isFunctionOfDim(dim);
  };
  auto loadOperand = [&](OpOperand& operand, Value tensor) {
    const Storage& storage = storage_.at(tensor);
    return load(storage, addressOf(storage, op.getMatchingIndexingMap(&operand),
                                   extents, row, dims));
  };
  auto storeResults = [&](ValueRange values) {
    for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), values)) {
      const Storage& storage = storage_.at(op.getTiedOpResult(&init));
      store(storage, value,
            addressOf(storage, op.getMatchingIndexingMap(&init), extents, row,
                      dims));
    }
  };

  SmallVector<Value> fixed(op->getNumOperands());
  for (OpOperand* input : op.getDpsInputOperands())
    if (!moves(op.getMatchingIndexingMap(input)))
      fixed[input->getOperandNumber()] = loadOperand(*input, input->get());

  auto step = [&](ValueRange carried) {
    SmallVector<Value> elements;
    for (OpOperand* input : op.getDpsInputOperands()) {
      Value known = fixed[input->getOperandNumber()];
      elements.push_back(known ? known : loadOperand(*input, input->get()));
    }
    for (auto [i, init] : llvm::enumerate(op.getDpsInitsMutable())) {
      if (reducing)
        elements.push_back(carried[i]);
      else if (reads)
        elements.push_back(loadOperand(init, op.getTiedOpResult(&init)));
      else
        elements.push_back(Value());
    }
    return emitBody(op, row, dims, elements, reads);
  };

  if (!looped)
    return storeResults(step({}));
  auto [lower, upper] = bounds(op, dim);
  if (reducing) {
    SmallVector<Value> initial;
    for (OpOperand& init : op.getDpsInitsMutable())
      initial.push_back(loadOperand(init, op.getTiedOpResult(&init)));
    SmallVector<Value> sums =
        emit_.loop(lower, upper, initial, [&](Value index, ValueRange carried) {
          dims[dim] = index;
          return step(carried);
        });
    return storeResults(sums);
  }
  parallel_ = LLVM::AccessGroupAttr::get(
      b_.getContext(), DistinctAttr::create(b_.getUnitAttr()));
  auto group = parallel_;
  emit_.loop(
      lower, upper, {},
      [&](Value index, ValueRange) {
        dims[dim] = index;
        storeResults(step({}));
        return SmallVector<Value>();
      },
      group);
  parallel_ = {};
}

// The scalar computation of one element.
SmallVector<Value> KernelEmitter::emitBody(linalg::GenericOp op, Value row,
                                           ArrayRef<Value> dims,
                                           ValueRange elements, bool reducing) {
  // A multiply and an add may round once; sums may be reordered.
  auto flags = arith::FastMathFlags::contract;
  if (reducing)
    flags = flags | arith::FastMathFlags::reassoc;
  IRMapping mapping;
  for (auto [argument, element] :
       llvm::zip(op.getBlock()->getArguments(), elements))
    if (element)
      mapping.map(argument, element);
  auto lookup = [&](Value value) -> Value {
    if (Value mapped = mapping.lookupOrNull(value))
      return mapped;
    // A scalar constant from outside the generic.
    Operation* copy = b_.clone(*value.getDefiningOp());
    mapping.map(value, copy->getResult(0));
    return copy->getResult(0);
  };
  for (Operation& inner : op.getBlock()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      Value cast = arith::IndexCastOp::create(b_, emit_.loc, b_.getIndexType(),
                                              dims[index.getDim()]);
      mapping.map(index.getResult(), cast);
      continue;
    }
    for (Value operand : inner.getOperands())
      lookup(operand);
    Operation* copy = b_.clone(inner, mapping);
    if (auto fast = dyn_cast<arith::ArithFastMathInterface>(copy))
      copy->setAttr(fast.getFastMathAttrName(),
                    arith::FastMathFlagsAttr::get(b_.getContext(), flags));
  }
  SmallVector<Value> results;
  for (Value value : op.getBlock()->getTerminator()->getOperands())
    results.push_back(lookup(value));
  return results;
}

// The address of the element of `storage` that `map` names at `dims`.
Value KernelEmitter::addressOf(const Storage& storage, AffineMap map,
                               ArrayRef<int64_t> extents, Value row,
                               ValueRange dims) {
  unsigned rank = storage.shape.size();
  auto linear = [&](Value start, unsigned from, unsigned to) {
    Value index = start;
    for (unsigned i = from; i < to; ++i)
      index = emit_.add(emit_.mul(index, emit_.constant(storage.shape[i])),
                        emit_.evaluate(map.getResult(i), dims));
    return index;
  };
  if (!storage.pitch) {
    Value index = linear(emit_.constant(0), rows_.size(), rank);
    return emit_.address(storage.base, storage.element, index);
  }
  if (rank == 0)
    return storage.base;
  bool aligned = rows_.size() < rank && isRowAligned(map, rows_);
  Value rowIndex = aligned ? linear(row, rows_.size(), rank - 1)
                           : linear(emit_.constant(0), 0, rank - 1);
  Value column = emit_.evaluate(map.getResult(rank - 1), dims);
  if (storage.rowOrigin) {
    rowIndex =
        arith::SubIOp::create(b_, emit_.loc, rowIndex, storage.rowOrigin);
    column = arith::SubIOp::create(b_, emit_.loc, column, storage.columnOrigin);
  }
  Value index = emit_.add(emit_.mul(rowIndex, storage.pitch), column);
  return emit_.address(storage.base, storage.element, index);
}

Value KernelEmitter::load(const Storage& storage, Value address) {
  Type type = emit_.memoryType(storage.element);
  auto op = LLVM::LoadOp::create(b_, emit_.loc, type, address);
  if (parallel_)
    op.setAccessGroupsAttr(b_.getArrayAttr({parallel_}));
  if (type == storage.element)
    return op;
  if (isa<FloatType>(storage.element))
    return arith::BitcastOp::create(b_, emit_.loc, storage.element, op);
  Value zero =
      arith::ConstantOp::create(b_, emit_.loc, b_.getIntegerAttr(type, 0));
  return arith::CmpIOp::create(b_, emit_.loc, arith::CmpIPredicate::ne, op,
                               zero);
}

void KernelEmitter::store(const Storage& storage, Value value, Value address) {
  Type type = emit_.memoryType(storage.element);
  if (isa<FloatType>(storage.element) && type != storage.element)
    value = arith::BitcastOp::create(b_, emit_.loc, type, value);
  else if (type != storage.element)
    value = arith::ExtUIOp::create(b_, emit_.loc, type, value);
  auto op = LLVM::StoreOp::create(b_, emit_.loc, value, address);
  if (parallel_)
    op.setAccessGroupsAttr(b_.getArrayAttr({parallel_}));
}

} // namespace

FailureOr<LLVM::LLVMFuncOp> emitKernel(OpBuilder& builder,
                                       func::FuncOp kernel) {
  return KernelEmitter(builder, kernel).run();
}

} // namespace burin
