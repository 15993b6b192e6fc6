// SPDX-License-Identifier: Apache-2.0
// Rewrites layers, found by their weights, into layers with a term beside them.
#include "models/graph/common/low_rank.h"

#include <set>

namespace burin::models {

namespace {

using mlir::Location;
using mlir::OpBuilder;
using mlir::Operation;

constexpr std::string_view kWeight = ".weight";

// "unet.conv_in" of the weight "unet.conv_in.weight" that `op` multiplies by;
// empty where it does not.
std::string layerOf(Operation& op) {
  Value weight;
  if (auto linear = llvm::dyn_cast<LinearOp>(op))
    weight = linear.getWeights()[0];
  else if (auto conv = llvm::dyn_cast<Conv2dOp>(op))
    weight = conv.getWeight();
  auto parameter = weight ? weight.getDefiningOp<ParameterOp>() : ParameterOp();
  if (!parameter || !parameter.getName().ends_with(kWeight))
    return {};
  return parameter.getName().drop_back(kWeight.size()).str();
}

// The layer itself with other weights.
Value withWeight(OpBuilder& builder, Operation* layer, Value weight) {
  if (auto linear = llvm::dyn_cast<LinearOp>(layer))
    return LinearOp::create(builder, weight.getLoc(), linear.getInput(),
                            weight);
  auto conv = llvm::cast<Conv2dOp>(layer);
  return Conv2dOp::create(builder, weight.getLoc(), conv.getInput(), weight,
                          conv.getStride(), conv.getPadding());
}

Value castTo(OpBuilder& builder, Value x, mlir::Type element) {
  return elementOf(x) == element
             ? x
             : CastOp::create(builder, x.getLoc(), x, element).getResult();
}

// In float32, rounded once: a strength of 0.8 is not 0.8 in fewer digits.
Value gated(OpBuilder& builder, Value h, Value gate) {
  auto rows = shapeOf(gate);
  if (rows.size() == 2) {
    llvm::SmallVector<int64_t> wide(shapeOf(h).size(), 1);
    wide.front() = rows[0];
    wide.back() = rows[1];
    gate = ReshapeOp::create(builder, h.getLoc(), gate, wide);
  }
  Value wide = castTo(builder, h, elementOf(gate));
  Value product = BinaryOp::create(builder, h.getLoc(), "mul", wide, gate);
  return castTo(builder, product, elementOf(h));
}

void addTerm(Operation* op, const std::string& layer, int64_t rank,
             Value gate) {
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  Value y = op->getResult(0);
  Location at = mlir::NameLoc::get(builder.getStringAttr(layer + ".lora"));
  auto factor = [&](const char* name, llvm::ArrayRef<int64_t> shape) -> Value {
    return ParameterOp::create(builder, at,
                               mlir::RankedTensorType::get(shape, elementOf(y)),
                               layer + name);
  };
  llvm::SmallVector<int64_t> down(shapeOf(op->getOperand(1)));
  llvm::SmallVector<int64_t> up(down.size(), 1);
  up[0] = down[0];
  down[0] = up[1] = rank;
  Value h = withWeight(builder, op, factor(".lora_A.weight", down));
  Value b = ReshapeOp::create(builder, at, factor(".lora_B.weight", up),
                              llvm::ArrayRef<int64_t>{up[0], rank});
  Value term = LinearOp::create(builder, at, gated(builder, h, gate), b);
  auto sum = BinaryOp::create(builder, at, "add", y, term);
  y.replaceAllUsesExcept(sum, sum);
}

} // namespace

Status addLowRankTerms(GraphBuilder& b, mlir::Block& block,
                       const AdapterRequest& adapter, Value gate) {
  std::set<std::string> wanted;
  for (const std::string& layer : adapter.layers)
    wanted.insert(b.path() + "." + layer);
  std::set<std::string> missing = wanted;
  for (Operation& op : llvm::make_early_inc_range(block)) {
    std::string layer = layerOf(op);
    if (!wanted.contains(layer))
      continue;
    missing.erase(layer);
    addTerm(&op, layer, adapter.rank, gate);
  }
  if (missing.empty())
    return okStatus();
  return invalidArgument(
      "the network has no layer '" + *missing.begin() + "' for an adapter" +
      (missing.size() > 1 ? ", and " + std::to_string(missing.size() - 1) +
                                " more that were asked for"
                          : ""));
}

bool isLowRankFactor(llvm::StringRef parameter) {
  return parameter.ends_with(".lora_A.weight") ||
         parameter.ends_with(".lora_B.weight");
}

} // namespace burin::models
