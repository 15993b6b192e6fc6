// SPDX-License-Identifier: Apache-2.0
// One line an op: the location from the scope, the operands, the properties.
#include "compiler/graph/builder.h"

#include "llvm/ADT/SmallVector.h"

using namespace mlir;

namespace burin {

namespace {

ArrayRef<int64_t> asArrayRef(std::span<const int64_t> values) {
  return {values.data(), values.size()};
}

StringRef asStringRef(std::string_view text) {
  return {text.data(), text.size()};
}

int64_t axisOf(Value x, int64_t axis) {
  return axis < 0 ? axis + static_cast<int64_t>(shapeOf(x).size()) : axis;
}

} // namespace

int64_t extent(Value x, int64_t axis) {
  return shapeOf(x)[axisOf(x, axis)];
}

GraphBuilder::GraphBuilder(ModuleOp module, Type activation, Type parameterType)
    : builder_(module.getContext()), module_(module), activation_(activation),
      parameterType_(parameterType) {
  module.getContext()->loadDialect<BurinDialect, func::FuncDialect>();
}

GraphBuilder::Scope::Scope(GraphBuilder& builder, std::string_view name)
    : builder_(builder), length_(builder.path_.size()) {
  if (!builder.path_.empty() && !name.empty())
    builder.path_ += '.';
  builder.path_ += name;
}

GraphBuilder::Scope::~Scope() {
  builder_.path_.resize(length_);
}

Location GraphBuilder::location() {
  return NameLoc::get(builder_.getStringAttr(path_));
}

std::vector<Value>
GraphBuilder::beginFunction(std::string_view name,
                            std::span<const NamedType> inputs) {
  SmallVector<Type> types;
  for (const NamedType& input : inputs)
    types.push_back(input.type);
  builder_.setInsertionPointToEnd(module_.getBody());
  function_ = func::FuncOp::create(builder_, location(), asStringRef(name),
                                   builder_.getFunctionType(types, {}));
  Block* body = function_.addEntryBlock();
  for (size_t i = 0; i < inputs.size(); ++i)
    function_.setArgAttr(i, kValueName, builder_.getStringAttr(inputs[i].name));
  builder_.setInsertionPointToStart(body);
  return {body->getArguments().begin(), body->getArguments().end()};
}

void GraphBuilder::endFunction(std::span<const NamedValue> outputs) {
  SmallVector<Value> values;
  for (const NamedValue& output : outputs)
    values.push_back(output.value);
  func::ReturnOp::create(builder_, location(), values);
  function_.setType(builder_.getFunctionType(
      function_.getFunctionType().getInputs(), ValueRange(values).getTypes()));
  for (size_t i = 0; i < outputs.size(); ++i)
    function_.setResultAttr(i, kValueName,
                            builder_.getStringAttr(outputs[i].name));
}

Value GraphBuilder::parameter(std::string_view name,
                              std::span<const int64_t> shape) {
  Scope inner(*this, name);
  auto type = RankedTensorType::get(asArrayRef(shape), parameterType_);
  return ParameterOp::create(builder_, location(), type, path_);
}

Value GraphBuilder::constant(double value, std::initializer_list<int64_t> shape,
                             Type type) {
  return ConstantOp::create(builder_, location(),
                            RankedTensorType::get(shape, type), value);
}

Value GraphBuilder::unary(std::string_view kind, Value x) {
  return UnaryOp::create(builder_, location(), asStringRef(kind), x);
}

Value GraphBuilder::binary(std::string_view kind, Value a, Value b) {
  return BinaryOp::create(builder_, location(), asStringRef(kind), a,
                          cast(b, elementOf(a)));
}

Value GraphBuilder::select(Value condition, Value onTrue, Value onFalse) {
  return SelectOp::create(builder_, location(), condition, onTrue, onFalse);
}

Value GraphBuilder::reduce(std::string_view kind, Value x,
                           std::initializer_list<int64_t> axes) {
  return ReduceOp::create(builder_, location(), asStringRef(kind), x,
                          ArrayRef<int64_t>(axes.begin(), axes.size()));
}

Value GraphBuilder::cast(Value x, Type type) {
  if (elementOf(x) == type)
    return x;
  return CastOp::create(builder_, location(), x, type);
}

Value GraphBuilder::linear(Value x, Value weight) {
  return LinearOp::create(builder_, location(), x, weight);
}

Value GraphBuilder::conv2d(Value x, Value weight,
                           const Conv2dOptions& options) {
  return Conv2dOp::create(builder_, location(), x, weight, options.stride,
                          options.padding);
}

Value GraphBuilder::groupNorm(Value x, Value gamma, Value beta, int64_t groups,
                              double eps) {
  return GroupNormOp::create(builder_, location(), x, gamma, beta, groups, eps);
}

Value GraphBuilder::layerNorm(Value x, Value gamma, Value beta, double eps) {
  return LayerNormOp::create(builder_, location(), x, gamma, beta, eps);
}

Value GraphBuilder::attention(Value q, Value k, Value v, int64_t heads,
                              bool causal, double scale) {
  return AttentionOp::create(builder_, location(), q, k, v, heads, scale,
                             causal);
}

Value GraphBuilder::embedding(Value table, Value ids) {
  return EmbeddingOp::create(builder_, location(), table, ids);
}

Value GraphBuilder::argmax(Value x) {
  return ArgmaxOp::create(builder_, location(), x);
}

Value GraphBuilder::selectToken(Value x, Value index) {
  return SelectTokenOp::create(builder_, location(), x, index);
}

Value GraphBuilder::timestepEmbedding(Value t, const TimestepOptions& options) {
  // The flag comes last: it is optional, so ODS moves it there.
  return TimestepEmbeddingOp::create(builder_, location(), t, options.width,
                                     options.maxPeriod, options.shift,
                                     options.flipSinToCos);
}

Value GraphBuilder::concat(std::span<const Value> xs, int64_t axis) {
  return ConcatOp::create(builder_, location(),
                          ValueRange(ArrayRef<Value>(xs.data(), xs.size())),
                          axisOf(xs.front(), axis));
}

Value GraphBuilder::slice(Value x, int64_t axis, int64_t start, int64_t size) {
  return SliceOp::create(builder_, location(), x, axisOf(x, axis), start, size);
}

Value GraphBuilder::reshape(Value x, std::span<const int64_t> shape) {
  return ReshapeOp::create(builder_, location(), x, asArrayRef(shape));
}

Value GraphBuilder::transpose(Value x, std::span<const int64_t> permutation) {
  return TransposeOp::create(builder_, location(), x, asArrayRef(permutation));
}

Value GraphBuilder::upsampleNearest(Value x, int64_t factor) {
  return UpsampleNearestOp::create(builder_, location(), x, factor);
}

std::vector<Value> GraphBuilder::gradient(Value loss,
                                          std::span<const Value> wrt) {
  auto op = GradientOp::create(builder_, location(), loss,
                               ArrayRef<Value>(wrt.data(), wrt.size()));
  return {op.getResults().begin(), op.getResults().end()};
}

} // namespace burin
