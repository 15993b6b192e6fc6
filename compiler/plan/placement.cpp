// SPDX-License-Identifier: Apache-2.0
// Two sweeps. Backwards: results of the function and of concatenations ask
// those who produce them to write in place. Forwards: every value gets its
// window; where a wish was not granted, a copy is scheduled.
#include "compiler/plan/placement.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace burin {

static int64_t product(ArrayRef<int64_t> extents) {
  return ShapedType::getNumElements(extents);
}

static int64_t elementBytes(Type element) {
  return std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8);
}

static int64_t lastExtent(ArrayRef<int64_t> shape) {
  return shape.empty() ? 1 : shape.back();
}

static bool isOneRow(const Window2d& window) {
  return product(window.shape) == lastExtent(window.shape);
}

static bool isDense(const Window2d& window) {
  return window.pitch == lastExtent(window.shape) || isOneRow(window);
}

// Nothing lies a pitch away from the only row.
static bool isSamePlace(const Window2d& a, Window2d b) {
  if (isOneRow(b))
    b.pitch = a.pitch;
  return a == b;
}

Window2d denseWindow(size_t buffer, RankedTensorType type) {
  return {buffer, 0, lastExtent(type.getShape()),
          SmallVector<int64_t>(type.getShape()), type.getElementType()};
}

std::optional<Window2d> reshapeWindow(const Window2d& window,
                                      ArrayRef<int64_t> shape) {
  Window2d result = window;
  result.shape.assign(shape.begin(), shape.end());
  if (lastExtent(shape) == lastExtent(window.shape))
    return result;
  if (!isDense(window))
    return std::nullopt;
  result.pitch = lastExtent(shape);
  return result;
}

SmallVector<Window2d> sliceWindows(const Window2d& window, int64_t axis,
                                   int64_t start, int64_t size) {
  int64_t last = static_cast<int64_t>(window.shape.size()) - 1;
  Window2d part = window;
  part.shape[axis] = size;
  if (axis == last) {
    part.offset += start;
    return {part};
  }
  // Rows of one index of the axis, and of all that is inside the outer ones.
  ArrayRef<int64_t> shape = window.shape;
  int64_t inner = product(shape.slice(axis + 1, last - axis - 1));
  int64_t outer = product(shape.take_front(axis));
  for (int64_t i = 0; i < axis; ++i)
    part.shape[i] = 1;
  SmallVector<Window2d> parts;
  for (int64_t i = 0; i < outer; ++i) {
    parts.push_back(part);
    parts.back().offset +=
        (i * window.shape[axis] + start) * inner * window.pitch;
  }
  return parts;
}

std::optional<Window2d> sliceWindow(const Window2d& window, int64_t axis,
                                    int64_t start, int64_t size) {
  ArrayRef<int64_t> shape = window.shape;
  bool isLast = axis + 1 == static_cast<int64_t>(shape.size());
  if (!isLast && product(shape.take_front(axis)) != 1)
    return std::nullopt;
  return sliceWindows(window, axis, start, size).front();
}

namespace {

class Placer {
public:
  explicit Placer(func::FuncOp function)
      : function_(function), block_(function.getBody().front()) {}

  FailureOr<FunctionPlacement> run() {
    for (Operation& op : llvm::reverse(block_))
      request(op);
    for (BlockArgument argument : block_.getArguments())
      place(argument, {Home::kInput, argument.getArgNumber(), {}, 0});
    for (Operation& op : block_)
      if (failed(resolve(op)))
        return failure();
    return std::move(placement_);
  }

private:
  static RankedTensorType typeOf(Value value) {
    return cast<RankedTensorType>(value.getType());
  }

  size_t addBuffer(Buffer buffer, RankedTensorType type) {
    buffer.bytes = type.getNumElements() * elementBytes(type.getElementType());
    placement_.buffers.push_back(buffer);
    return placement_.buffers.size() - 1;
  }
  Window2d newWindow(Value value, Buffer buffer = {Home::kArena, 0, {}, 0}) {
    return denseWindow(addBuffer(buffer, typeOf(value)), typeOf(value));
  }
  void place(Value value, Buffer buffer) {
    placement_.windows[value] = newWindow(value, buffer);
  }

  void request(Operation& op);
  bool requestAt(Value value, const Window2d& window);
  LogicalResult resolve(Operation& op);
  LogicalResult resolveView(Viewing op);
  void copy(const Window2d& source, const Window2d& target, Operation* op) {
    if (!isSamePlace(source, target) && product(source.shape) > 0)
      placement_.steps.push_back({nullptr, source, target, op});
  }
  // The window wished for `value`, or a new buffer.
  Window2d targetOf(Value value) {
    auto wish = wishes_.find(value);
    return wish != wishes_.end() ? wish->second : newWindow(value);
  }

  func::FuncOp function_;
  Block& block_;
  FunctionPlacement placement_;
  DenseMap<Value, Window2d> wishes_;
  SmallVector<Window2d> outputs_;
};

// Whether whoever makes `value` can be asked to put it at `window`.
bool Placer::requestAt(Value value, const Window2d& window) {
  Operation* source = value.getDefiningOp();
  if (!source)
    return false;
  auto view = dyn_cast<Viewing>(source);
  bool makes = isa<RegionOp>(source) || (view && view.gathers());
  if (makes)
    return wishes_.try_emplace(value, window).second;
  if (!view || view.window()) // a slice is where its operand is
    return false;
  Value operand = source->getOperand(0);
  auto inner = reshapeWindow(window, typeOf(operand).getShape());
  return inner && requestAt(operand, *inner);
}

void Placer::request(Operation& op) {
  if (isa<func::ReturnOp>(op)) {
    for (OpOperand& operand : op.getOpOperands()) {
      Window2d window = newWindow(
          operand.get(), {Home::kOutput, operand.getOperandNumber(), {}, 0});
      outputs_.push_back(window);
      requestAt(operand.get(), window);
    }
    return;
  }
  auto view = dyn_cast<Viewing>(op);
  if (!view || !view.gathers())
    return;
  Value result = op.getResult(0);
  if (!wishes_.count(result))
    wishes_[result] = newWindow(result);
  Window whole = *view.window();
  for (auto [operand, start] : llvm::zip(op.getOperands(), whole.starts))
    if (auto window = sliceWindow(wishes_[result], whole.axis, start,
                                  typeOf(operand).getDimSize(whole.axis)))
      requestAt(operand, *window);
}

LogicalResult Placer::resolve(Operation& op) {
  auto& windows = placement_.windows;
  if (auto parameter = dyn_cast<ParameterOp>(op)) {
    place(parameter.getOutput(),
          {Home::kConstant, 0, parameter.getOutput(), 0});
    return success();
  }
  if (auto region = dyn_cast<RegionOp>(op)) {
    for (Value result : op.getResults())
      windows[result] = targetOf(result);
    placement_.steps.push_back({region, {}, {}, region});
    return success();
  }
  if (auto view = dyn_cast<Viewing>(op))
    return resolveView(view);
  if (isa<func::ReturnOp>(op)) {
    for (auto [operand, output] : llvm::zip(op.getOperands(), outputs_))
      copy(windows[operand], output, &op);
    return success();
  }
  return op.emitOpError("has no place in a memory plan");
}

LogicalResult Placer::resolveView(Viewing op) {
  auto& windows = placement_.windows;
  Value result = op->getResult(0);
  std::optional<Window> window = op.window();
  if (op.gathers()) {
    Window2d whole = targetOf(result);
    for (auto [operand, start] : llvm::zip(op->getOperands(), window->starts)) {
      int64_t size = typeOf(operand).getDimSize(window->axis);
      Window2d source = windows[operand];
      int64_t done = 0;
      for (const Window2d& target :
           sliceWindows(whole, window->axis, start, size)) {
        // The source has the target's rows one part after another.
        Window2d part = target;
        part.buffer = source.buffer;
        part.pitch = source.pitch;
        part.offset = source.offset + done;
        done += product(ArrayRef(part.shape).drop_back()) * source.pitch;
        copy(part, target, op);
      }
    }
    windows[result] = whole;
    return success();
  }
  Window2d source = windows[op->getOperand(0)];
  if (!window) {
    if (auto same = reshapeWindow(source, typeOf(result).getShape())) {
      windows[result] = *same;
      return success();
    }
    Window2d target = newWindow(result);
    copy(source, *reshapeWindow(target, source.shape), op);
    windows[result] = target;
    return success();
  }
  int64_t size = typeOf(result).getDimSize(window->axis);
  int64_t start = window->starts.front();
  if (auto part = sliceWindow(source, window->axis, start, size)) {
    windows[result] = *part;
    return success();
  }
  Window2d target = newWindow(result);
  int64_t done = 0;
  for (const Window2d& part : sliceWindows(source, window->axis, start, size)) {
    Window2d piece = part;
    piece.buffer = target.buffer;
    piece.pitch = target.pitch;
    piece.offset = target.offset + done;
    done += product(ArrayRef(piece.shape).drop_back()) * target.pitch;
    copy(part, piece, op);
  }
  windows[result] = target;
  return success();
}

} // namespace

FailureOr<FunctionPlacement> placeFunction(func::FuncOp function) {
  return Placer(function).run();
}

} // namespace burin
