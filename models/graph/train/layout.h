// SPDX-License-Identifier: Apache-2.0
// All parameters of a trained network as one flat float32 buffer, so that an
// optimizer, a norm or a reduction over devices is one elementwise op.
//
//   | weights, by name | 0 | others, by name | 0 |
//
// Weights are the tensors of more than one axis, which weight decay is usually
// kept to. Each tensor is a window that begins at a multiple of
// kWindowAlignment elements; both parts are rows of kRowElements. What is
// between the tensors is zero, has a gradient of zero and stays zero.
#pragma once

#include "compiler/graph/builder.h"

#include <span>
#include <string>
#include <vector>

namespace burin::models {

inline constexpr int64_t kWindowAlignment = 64;
inline constexpr int64_t kRowElements = 1024;

struct ParameterWindow {
  std::string name; // of the checkpoint's tensor
  std::vector<int64_t> shape;
  int64_t start = 0; // elements
  int64_t size = 0;
};

struct ParameterLayout {
  std::vector<ParameterWindow> windows; // ascending by start
  int64_t weights = 0;                  // elements of the part of the weights
  int64_t size = 0;                     // elements in all
  // How many equal groups of rows a sum over all rows is made in, near the
  // square root of their number: groups side by side, then over the groups.
  int64_t rowGroups = 1;
};

// The layout of the parameters that `function` reads, or of those alone whose
// names `belongs` is true of.
ParameterLayout
layoutOf(mlir::func::FuncOp function,
         llvm::function_ref<bool(llvm::StringRef)> belongs = {});

// Replaces parameters in the function whose argument `flat` is by windows of
// it, cast to `element` as a whole. Returns the windows in the order of the
// layout, whose parameters the function must have, of type `element`.
std::vector<Value> readFromFlat(Value flat, const ParameterLayout& layout,
                                mlir::Type element);

// The windows of a flat value, in their shapes.
std::vector<Value> splitFlat(GraphBuilder& b, Value flat,
                             const ParameterLayout& layout);

// One tensor a window, in the order of the layout, as a flat float32 value,
// followed by the flat value `tail` where there is one.
Value joinFlat(GraphBuilder& b, std::span<const Value> tensors,
               const ParameterLayout& layout, Value tail = {});

} // namespace burin::models
