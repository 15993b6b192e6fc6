// SPDX-License-Identifier: Apache-2.0
// Between flat buffers and a network.
#include "models/graph/train/train.h"

#include "models/graph/diffusion/unet.h"
#include "models/graph/train/optimizer.h"
#include "models/schedule/optimizer.h"

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

Value report(GraphBuilder& b, Value loss, const OptimizerStep& step) {
  std::array<Value, schedule::kReportElements> values;
  values[schedule::kLoss] = loss;
  values[schedule::kGradientNorm] = step.gradientNorm;
  values[schedule::kFinite] = step.finite;
  for (Value& value : values)
    value = b.reshape(value, {1});
  return b.concat(values, 0);
}

} // namespace

ParameterLayout unetLayout(GraphBuilder& b, const UNetConfig& config) {
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
  Value sample = unet(scratch, config, in[0], in[1], in[2]);
  std::array outputs = {NamedValue{"sample", sample}};
  scratch.endFunction(outputs);
  return layoutOf(llvm::cast<mlir::func::FuncOp>(module->getBody()->front()));
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

void trainStep(GraphBuilder& b, const FunctionRequest& r,
               const UNetConfig& config) {
  ParameterLayout layout = unetLayout(b, config);
  auto flat = [&](std::string name) {
    return NamedType{std::move(name), floats(b, {layout.size})};
  };
  auto image = [&](std::string name) {
    return NamedType{std::move(name), floats(b, {r.batch, r.height, r.width,
                                                 config.outChannels})};
  };
  auto number = [&](std::string name) {
    return NamedType{std::move(name), floats(b, {r.batch})};
  };
  std::array inputs = {
      flat("parameters"),
      flat("first_moment"),
      flat("second_moment"),
      flat("average"),
      image("target"),
      image("source"),
      NamedType{"encoder_hidden_states",
                floats(b, {r.batch, r.tokens, config.contextWidth})},
      image("noise"),
      number("timestep"),
      number("signal"),
      number("noise_level"),
      NamedType{"hyper", floats(b, {schedule::kHyperElements})}};
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  auto perImage = [&](Value x) { return b.reshape(x, {r.batch, 1, 1, 1}); };
  // Parameters are read as activations are computed.
  b.setParameterType(b.activation());
  Value loss = denoisingLoss(
      b, config,
      {in[4], in[5], in[6], in[7], in[8], perImage(in[9]), perImage(in[10])},
      r.prediction);
  std::vector<Value> windows = readFromFlat(in[0], layout, b.activation());
  Value gradients = joinFlat(b, b.gradient(loss, windows), layout);
  OptimizerStep step = adamW(b, layout, {in[0], in[1], in[2], in[3]}, gradients,
                             in[11], r.decayAll);
  std::array outputs = {NamedValue{"parameters", step.next.parameters},
                        NamedValue{"first_moment", step.next.firstMoment},
                        NamedValue{"second_moment", step.next.secondMoment},
                        NamedValue{"average", step.next.average},
                        NamedValue{"report", report(b, loss, step)}};
  b.endFunction(outputs);
}

} // namespace burin::models
