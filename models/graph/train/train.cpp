// SPDX-License-Identifier: Apache-2.0
// Between flat buffers and a network.
#include "models/graph/train/train.h"

#include "models/graph/common/low_rank.h"
#include "models/graph/diffusion/unet.h"
#include "models/graph/train/optimizer.h"
#include "models/schedule/optimizer.h"

#include <algorithm>
#include <iterator>

namespace burin::models {

namespace {

using mlir::RankedTensorType;

RankedTensorType floats(GraphBuilder& b, std::initializer_list<int64_t> shape) {
  return RankedTensorType::get(shape, b.f32());
}

// The name of a parameter in the builder's scope.
std::string_view relative(const GraphBuilder& b, std::string_view name) {
  return name.substr(b.path().empty() ? 0 : b.path().size() + 1);
}

struct Examples {
  Value target, source, states, noise, timestep;
  Value signal, noiseLevel; // to go with images
};

// The mean of (prediction - wanted)^2, one float.
Value denoisingLoss(GraphBuilder& b, const UNetConfig& config,
                    const Examples& x, Prediction prediction) {
  Value noisy = b.add(b.mul(x.target, x.signal), b.mul(x.noise, x.noiseLevel));
  Value input = b.cast(b.concat({noisy, x.source}, -1), b.activation());
  Value guess = b.cast(
      unet(b, config, input, x.timestep, b.cast(x.states, b.activation())),
      b.f32());
  Value wanted = x.noise;
  if (prediction == Prediction::kVelocity)
    wanted = b.sub(b.mul(x.noise, x.signal), b.mul(x.target, x.noiseLevel));
  Value squares = b.unary("square", b.sub(guess, wanted));
  // In two steps of equal parts, the first of which has many rows.
  return b.reduce("mean", b.reduce("mean", squares, {2, 3}), {0, 1});
}

// What the functions share of their inputs.
constexpr size_t kStateTensors = 4, kBatchTensors = 7;

std::vector<NamedType> stateTypes(GraphBuilder& b,
                                  const ParameterLayout& layout) {
  RankedTensorType flat = floats(b, {layout.size});
  return {{"parameters", flat},
          {"first_moment", flat},
          {"second_moment", flat},
          {"average", flat}};
}

std::vector<NamedType> batchTypes(GraphBuilder& b, const FunctionRequest& r,
                                  const UNetConfig& config) {
  RankedTensorType number = floats(b, {r.batch});
  RankedTensorType image =
      floats(b, {r.batch, r.height, r.width, config.outChannels});
  return {{"target", image},
          {"source", image},
          {"encoder_hidden_states",
           floats(b, {r.batch, r.tokens, config.contextWidth})},
          {"noise", image},
          {"timestep", number},
          {"signal", number},
          {"noise_level", number}};
}

NamedType hyperType(GraphBuilder& b) {
  return {"hyper", floats(b, {schedule::kHyperElements})};
}

NamedType gradientType(GraphBuilder& b, const ParameterLayout& layout,
                       std::string name) {
  return {std::move(name), floats(b, {layout.size + kRowElements})};
}

struct Differentiated {
  Value loss;
  std::vector<Value> gradients; // in the order of the layout
};

Result<Differentiated> differentiated(GraphBuilder& b, const FunctionRequest& r,
                                      const UNetConfig& config,
                                      const ParameterLayout& layout,
                                      Value parameters,
                                      std::span<const Value> x) {
  auto perImage = [&](Value v) { return b.reshape(v, {r.batch, 1, 1, 1}); };
  // What is trained is read as activations are computed.
  if (!r.adapter)
    b.setParameterType(b.activation());
  Value gate = r.adapter ? b.constant(r.adapter->scale, b.f32()) : Value();
  Value loss = denoisingLoss(
      b, config, {x[0], x[1], x[2], x[3], x[4], perImage(x[5]), perImage(x[6])},
      r.prediction);
  if (r.adapter)
    BURIN_TRY(
        addLowRankTerms(b, *parameters.getParentBlock(), *r.adapter, gate));
  std::vector<Value> windows = readFromFlat(parameters, layout, b.activation());
  return Differentiated{loss, b.gradient(loss, windows)};
}

Value report(GraphBuilder& b, Value loss, const OptimizerStep& step) {
  std::array<Value, schedule::kReportElements> values;
  values[schedule::kLoss] =
      b.mul(b.reshape(loss, {1}), b.reshape(step.partShare, {1}));
  values[schedule::kGradientNorm] = step.gradientNorm;
  values[schedule::kFinite] = step.finite;
  for (Value& value : values)
    value = b.reshape(value, {1});
  return b.concat(values, 0);
}

// Ends a function whose inputs begin with the state and end with `hyper`.
void optimize(GraphBuilder& b, const FunctionRequest& r,
              const ParameterLayout& layout, std::span<const Value> in,
              Value gradients, Value loss) {
  OptimizerStep step = adamW(b, layout, {in[0], in[1], in[2], in[3]}, gradients,
                             in.back(), r.decayAll);
  std::array outputs = {NamedValue{"parameters", step.next.parameters},
                        NamedValue{"first_moment", step.next.firstMoment},
                        NamedValue{"second_moment", step.next.secondMoment},
                        NamedValue{"average", step.next.average},
                        NamedValue{"report", report(b, loss, step)}};
  b.endFunction(outputs);
}

} // namespace

Result<ParameterLayout>
trainedLayout(GraphBuilder& b, const UNetConfig& config,
              const std::optional<AdapterRequest>& adapter) {
  mlir::MLIRContext* context = b.activation().getContext();
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(context));
  GraphBuilder scratch(*module, b.f32(), b.f32());
  auto scope = scratch.scope(b.path());
  // The least picture that the network halves as often as it does.
  int64_t extent = int64_t{1} << (config.down.size() - 1);
  std::array inputs = {
      NamedType{"sample", floats(b, {1, extent, extent, config.inChannels})},
      NamedType{"timestep", floats(b, {1})},
      NamedType{"states", floats(b, {1, 1, config.contextWidth})}};
  std::vector<Value> in = scratch.beginFunction("scratch", inputs);
  Value gate = scratch.constant(1, scratch.f32());
  Value sample = unet(scratch, config, in[0], in[1], in[2]);
  std::array outputs = {NamedValue{"sample", sample}};
  scratch.endFunction(outputs);
  auto function = llvm::cast<mlir::func::FuncOp>(module->getBody()->front());
  if (!adapter)
    return layoutOf(function);
  BURIN_TRY(
      addLowRankTerms(scratch, function.getBody().front(), *adapter, gate));
  return layoutOf(function, isLowRankFactor);
}

void trainInitialize(GraphBuilder& b, const std::string& name,
                     const ParameterLayout& layout) {
  b.beginFunction(name, {});
  std::vector<Value> tensors;
  for (const ParameterWindow& window : layout.windows)
    tensors.push_back(b.parameter(relative(b, window.name), window.shape));
  std::array outputs = {NamedValue{"parameters", joinFlat(b, tensors, layout)}};
  b.endFunction(outputs);
}

void joinTensors(GraphBuilder& b, const std::string& name,
                 const ParameterLayout& layout, std::string output,
                 mlir::Type element) {
  std::vector<NamedType> inputs;
  for (const ParameterWindow& window : layout.windows)
    inputs.push_back(
        {window.name, mlir::RankedTensorType::get(window.shape, b.f32())});
  std::vector<Value> tensors = b.beginFunction(name, inputs);
  // Rows run side by side.
  Value rows = b.reshape(joinFlat(b, tensors, layout),
                         {layout.size / kRowElements, kRowElements});
  Value flat = b.reshape(b.cast(rows, element), {layout.size});
  std::array outputs = {NamedValue{std::move(output), flat}};
  b.endFunction(outputs);
}

void trainExport(GraphBuilder& b, const std::string& name,
                 const ParameterLayout& layout, mlir::Type tensorType) {
  std::array inputs = {NamedType{"parameters", floats(b, {layout.size})}};
  std::vector<Value> in = b.beginFunction(name, inputs);
  std::vector<Value> tensors = splitFlat(b, in[0], layout);
  std::vector<NamedValue> outputs;
  for (size_t i = 0; i < tensors.size(); ++i)
    outputs.push_back({layout.windows[i].name, b.cast(tensors[i], tensorType)});
  b.endFunction(outputs);
}

Status trainStep(GraphBuilder& b, const FunctionRequest& r,
                 const UNetConfig& config) {
  BURIN_ASSIGN(ParameterLayout layout, trainedLayout(b, config, r.adapter));
  std::vector<NamedType> inputs = stateTypes(b, layout);
  std::ranges::copy(batchTypes(b, r, config), std::back_inserter(inputs));
  inputs.push_back(hyperType(b));
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  BURIN_ASSIGN(
      Differentiated found,
      differentiated(b, r, config, layout, in[0],
                     std::span(in).subspan(kStateTensors, kBatchTensors)));
  optimize(b, r, layout, in, joinFlat(b, found.gradients, layout), found.loss);
  return okStatus();
}

Status trainGradient(GraphBuilder& b, const FunctionRequest& r,
                     const UNetConfig& config) {
  BURIN_ASSIGN(ParameterLayout layout, trainedLayout(b, config, r.adapter));
  std::vector<NamedType> inputs = {stateTypes(b, layout).front()};
  std::ranges::copy(batchTypes(b, r, config), std::back_inserter(inputs));
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  BURIN_ASSIGN(Differentiated found, differentiated(b, r, config, layout, in[0],
                                                    std::span(in).subspan(1)));
  Value row = b.concat(
      {b.reshape(found.loss, {1}), b.constant(0, {kRowElements - 1}, b.f32())},
      0);
  std::array outputs = {
      NamedValue{"gradients", joinFlat(b, found.gradients, layout, row)}};
  b.endFunction(outputs);
  return okStatus();
}

void trainAccumulate(GraphBuilder& b, const std::string& name,
                     const ParameterLayout& layout) {
  std::array inputs = {gradientType(b, layout, "gradients"),
                       gradientType(b, layout, "part")};
  std::vector<Value> in = b.beginFunction(name, inputs);
  // Rows run side by side.
  int64_t size = extent(in[0], 0);
  std::vector<int64_t> rows = {size / kRowElements, kRowElements};
  Value sum = b.add(b.reshape(in[0], rows), b.reshape(in[1], rows));
  std::array outputs = {NamedValue{"gradients", b.reshape(sum, {size})}};
  b.endFunction(outputs);
}

void trainUpdate(GraphBuilder& b, const FunctionRequest& r,
                 const ParameterLayout& layout) {
  std::vector<NamedType> inputs = stateTypes(b, layout);
  inputs.push_back(gradientType(b, layout, "gradients"));
  inputs.push_back(hyperType(b));
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  Value gradients = in[kStateTensors];
  optimize(b, r, layout, in, b.slice(gradients, 0, 0, layout.size),
           b.slice(gradients, 0, layout.size, 1));
}

} // namespace burin::models
