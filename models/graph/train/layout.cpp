// SPDX-License-Identifier: Apache-2.0
// Places parameters in the flat buffer, and views of it in a function.
#include "models/graph/train/layout.h"

#include <algorithm>
#include <map>

namespace burin::models {

namespace {

int64_t roundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// A cast is made of rows, which run side by side, and its result is seen as
// one axis again.
Value castFlat(mlir::OpBuilder& builder, Value flat, mlir::Type element) {
  if (elementOf(flat) == element)
    return flat;
  mlir::Location at = flat.getLoc();
  int64_t size = extent(flat, 0);
  Value rows = ReshapeOp::create(
      builder, at, flat,
      llvm::ArrayRef<int64_t>{size / kRowElements, kRowElements});
  Value cast = CastOp::create(builder, at, rows, element);
  return ReshapeOp::create(builder, at, cast, llvm::ArrayRef<int64_t>{size});
}

} // namespace

ParameterLayout layoutOf(mlir::func::FuncOp function,
                         llvm::function_ref<bool(llvm::StringRef)> belongs) {
  std::map<std::string, std::vector<int64_t>> shapes;
  function.walk([&](ParameterOp op) {
    if (!belongs || belongs(op.getName()))
      shapes.try_emplace(op.getName().str(), shapeOf(op.getOutput()));
  });
  ParameterLayout layout;
  int64_t next = 0;
  auto place = [&](bool weights) {
    for (const auto& [name, shape] : shapes) {
      if ((shape.size() > 1) != weights)
        continue;
      int64_t size = mlir::ShapedType::getNumElements(shape);
      layout.windows.push_back({name, shape, next, size});
      next = roundUp(next + size, kWindowAlignment);
    }
    next = roundUp(next, kRowElements);
  };
  place(true);
  layout.weights = next;
  place(false);
  // Of one row alone a card would make one block of threads.
  int64_t rows = std::max<int64_t>(2, next / kRowElements);
  while (layout.rowGroups * layout.rowGroups < rows)
    layout.rowGroups *= 2;
  layout.size = roundUp(rows, layout.rowGroups) * kRowElements;
  // No part of zeros alone.
  if (next == layout.weights)
    layout.weights = layout.size;
  return layout;
}

std::vector<Value> readFromFlat(Value flat, const ParameterLayout& layout,
                                mlir::Type element) {
  mlir::Block* block = flat.getParentBlock();
  std::map<std::string, llvm::SmallVector<ParameterOp>> readers;
  for (auto op : block->getOps<ParameterOp>())
    readers[op.getName().str()].push_back(op);
  auto builder = mlir::OpBuilder::atBlockBegin(block);
  Value whole = castFlat(builder, flat, element);
  std::vector<Value> values;
  for (const ParameterWindow& window : layout.windows) {
    auto& parameters = readers.at(window.name);
    mlir::Location at = parameters.front().getLoc();
    Value part =
        SliceOp::create(builder, at, whole, 0, window.start, window.size);
    Value shaped = ReshapeOp::create(builder, at, part, window.shape);
    for (ParameterOp parameter : parameters) {
      parameter.getOutput().replaceAllUsesWith(shaped);
      parameter.erase();
    }
    values.push_back(shaped);
  }
  return values;
}

std::vector<Value> splitFlat(GraphBuilder& b, Value flat,
                             const ParameterLayout& layout) {
  std::vector<Value> tensors;
  for (const ParameterWindow& window : layout.windows)
    tensors.push_back(
        b.reshape(b.slice(flat, 0, window.start, window.size), window.shape));
  return tensors;
}

Value joinFlat(GraphBuilder& b, std::span<const Value> tensors,
               const ParameterLayout& layout, Value tail) {
  std::vector<Value> parts;
  int64_t end = 0;
  auto fillTo = [&](int64_t start) {
    if (start > end)
      parts.push_back(b.constant(0, {start - end}, b.f32()));
  };
  for (size_t i = 0; i < tensors.size(); ++i) {
    const ParameterWindow& window = layout.windows[i];
    fillTo(window.start);
    parts.push_back(b.reshape(b.cast(tensors[i], b.f32()), {window.size}));
    end = window.start + window.size;
  }
  fillTo(layout.size);
  if (tail)
    parts.push_back(tail);
  return b.concat(parts, 0);
}

} // namespace burin::models
