// SPDX-License-Identifier: Apache-2.0
// The functions each component offers, and their boundaries.
#include "models/graph/build.h"

#include "compiler/passes/kernels.h"
#include "models/graph/diffusion/adapter_inputs.h"
#include "models/graph/diffusion/edit.h"
#include "models/graph/diffusion/unet.h"
#include "models/graph/text/clip.h"
#include "models/graph/train/train.h"
#include "models/graph/vae/autoencoder_kl.h"
#include "models/schedule/coefficients.h"

#include "mlir/IR/Verifier.h"

#include <array>

namespace burin::models {

namespace {

// Writes the functions of one component: arguments arrive and results leave
// in f32 and in the layout the request asks for.
class FunctionWriter {
public:
  FunctionWriter(GraphBuilder& builder, const FunctionRequest& request)
      : b_(builder), request_(request) {}

  GraphBuilder& builder() { return b_; }
  const FunctionRequest& request() const { return request_; }

  NamedType image(std::string name, int64_t channels) {
    if (request_.channelsFirst)
      return tensor(std::move(name), {request_.batch, channels, request_.height,
                                      request_.width});
    return tensor(std::move(name),
                  {request_.batch, request_.height, request_.width, channels});
  }
  NamedType tensor(std::string name, std::initializer_list<int64_t> shape) {
    return {std::move(name), mlir::RankedTensorType::get(shape, b_.f32())};
  }

  // An image argument, channels-last and of the activations' type.
  Value enterImage(Value image) {
    return enter(request_.channelsFirst ? toChannelsLast(b_, image) : image);
  }
  Value enter(Value x) { return b_.cast(x, b_.activation()); }
  Value leaveImage(Value image) {
    return leave(request_.channelsFirst ? toChannelsFirst(b_, image) : image);
  }
  Value leave(Value x) { return b_.cast(x, b_.f32()); }

private:
  GraphBuilder& b_;
  const FunctionRequest& request_;
};

Status need(const FunctionRequest& request, std::string_view key,
            int64_t value) {
  if (value > 0)
    return okStatus();
  return invalidArgument("function '" + request.name + "' needs \"" +
                         std::string(key) + "\" of its input");
}

// Height and width are present and halve at each of `levels` levels but one.
Status needImage(const FunctionRequest& request, size_t levels) {
  BURIN_TRY(need(request, "height", request.height));
  BURIN_TRY(need(request, "width", request.width));
  int64_t step = int64_t{1} << std::min<size_t>(levels - 1, 30);
  if (request.height % step == 0 && request.width % step == 0)
    return okStatus();
  return invalidArgument(
      "function '" + request.name + "' takes extents that are multiples of " +
      std::to_string(step) + ", not " + std::to_string(request.height) + "x" +
      std::to_string(request.width));
}

Status buildUNet(FunctionWriter& f, const nlohmann::json& json) {
  const FunctionRequest& r = f.request();
  BURIN_ASSIGN(UNetConfig config, readUNetConfig(json));
  BURIN_TRY(needImage(r, config.down.size()));
  BURIN_TRY(need(r, "tokens", r.tokens));
  GraphBuilder& b = f.builder();
  std::vector inputs = {f.image("sample", config.inChannels),
                        f.tensor("timestep", {r.batch}),
                        f.tensor("encoder_hidden_states",
                                 {r.batch, r.tokens, config.contextWidth})};
  BURIN_ASSIGN(AdapterInputs adapters,
               AdapterInputs::append(b, r, config, inputs));
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  adapters.begin(b, in, 1);
  Value sample = unet(b, config, f.enterImage(in[0]), in[1], f.enter(in[2]));
  BURIN_TRY(adapters.attach(b));
  std::array outputs = {NamedValue{"sample", f.leaveImage(sample)}};
  b.endFunction(outputs);
  return okStatus();
}

Status buildEncoder(FunctionWriter& f, const nlohmann::json& json) {
  BURIN_ASSIGN(AutoencoderConfig config, readAutoencoderConfig(json));
  BURIN_TRY(needImage(f.request(), config.channels.size()));
  GraphBuilder& b = f.builder();
  std::array inputs = {f.image("image", config.imageChannels)};
  std::vector<Value> in = b.beginFunction(f.request().name, inputs);
  Value moments = autoencoderEncode(b, config, f.enterImage(in[0]));
  std::array outputs = {NamedValue{"moments", f.leaveImage(moments)}};
  b.endFunction(outputs);
  return okStatus();
}

Status buildDecoder(FunctionWriter& f, const nlohmann::json& json) {
  BURIN_ASSIGN(AutoencoderConfig config, readAutoencoderConfig(json));
  BURIN_TRY(needImage(f.request(), 1));
  GraphBuilder& b = f.builder();
  std::array inputs = {f.image("latent", config.latentChannels)};
  std::vector<Value> in = b.beginFunction(f.request().name, inputs);
  Value image = autoencoderDecode(b, config, f.enterImage(in[0]));
  std::array outputs = {NamedValue{"image", f.leaveImage(image)}};
  b.endFunction(outputs);
  return okStatus();
}

Status needTokens(const FunctionRequest& r, const ClipTextConfig& config) {
  BURIN_TRY(need(r, "tokens", r.tokens));
  if (r.tokens <= config.positions)
    return okStatus();
  return invalidArgument("function '" + r.name + "' takes at most " +
                         std::to_string(config.positions) + " tokens, not " +
                         std::to_string(r.tokens));
}

Status buildTextEncoder(FunctionWriter& f, const nlohmann::json& json) {
  const FunctionRequest& r = f.request();
  BURIN_ASSIGN(ClipTextConfig config, readClipTextConfig(json));
  BURIN_TRY(needTokens(r, config));
  GraphBuilder& b = f.builder();
  std::array inputs = {NamedType{
      "input_ids", mlir::RankedTensorType::get({r.batch, r.tokens}, b.i64())}};
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  ClipTextOutput out = clipText(b, config, in[0]);
  std::array outputs = {
      NamedValue{"last_hidden_state", f.leave(out.lastHiddenState)},
      NamedValue{"pooled_output", f.leave(out.pooled)}};
  b.endFunction(outputs);
  return okStatus();
}

Status buildEditText(FunctionWriter& f, const nlohmann::json& json) {
  const FunctionRequest& r = f.request();
  BURIN_ASSIGN(ClipTextConfig config, readClipTextConfig(json));
  BURIN_TRY(needTokens(r, config));
  GraphBuilder& b = f.builder();
  int64_t texts = editTexts(r.branches, r.batch);
  std::array inputs = {NamedType{
      "input_ids", mlir::RankedTensorType::get({texts, r.tokens}, b.i64())}};
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  Value states = f.leave(clipText(b, config, in[0]).lastHiddenState);
  std::array outputs = {NamedValue{"encoder_hidden_states",
                                   editText(b, r.branches, r.batch, states)}};
  b.endFunction(outputs);
  return okStatus();
}

Status buildEditPicture(FunctionWriter& f, const nlohmann::json& json) {
  const FunctionRequest& r = f.request();
  BURIN_ASSIGN(AutoencoderConfig config, readAutoencoderConfig(json));
  BURIN_TRY(needImage(r, config.channels.size()));
  GraphBuilder& b = f.builder();
  std::array inputs = {
      f.tensor("image", {r.batch, r.height, r.width, config.imageChannels})};
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  Value moments = f.leave(autoencoderEncode(b, config, f.enter(in[0])));
  std::array outputs = {
      NamedValue{"picture", editPicture(b, r.branches, moments)}};
  b.endFunction(outputs);
  return okStatus();
}

// A network that reads a sample beside a picture, and extents for it.
Result<UNetConfig> readEditor(const FunctionRequest& r,
                              const nlohmann::json& json) {
  BURIN_ASSIGN(UNetConfig config, readUNetConfig(json));
  BURIN_TRY(needImage(r, config.down.size()));
  BURIN_TRY(need(r, "tokens", r.tokens));
  if (config.inChannels == 2 * config.outChannels)
    return config;
  return invalidArgument("function '" + r.name +
                         "' needs a network that reads a sample and a "
                         "picture of its " +
                         std::to_string(config.outChannels) +
                         " channels; this one reads " +
                         std::to_string(config.inChannels));
}

Status buildEditStep(FunctionWriter& f, const nlohmann::json& json) {
  const FunctionRequest& r = f.request();
  BURIN_ASSIGN(UNetConfig config, readEditor(r, json));
  int64_t channels = config.outChannels;
  auto branches = static_cast<int64_t>(r.branches.size());
  int64_t evaluations = branches * r.batch;
  auto latent = [&](std::string name) {
    return f.tensor(std::move(name), {r.batch, r.height, r.width, channels});
  };
  std::vector inputs = {
      latent("sample"),
      latent("first"),
      latent("noise"),
      f.tensor("history",
               {schedule::kHistory, r.batch, r.height, r.width * channels}),
      f.tensor("picture", {evaluations, r.height, r.width, 2 * channels}),
      f.tensor("coefficients", {schedule::coefficientRows(branches), r.batch}),
      f.tensor("encoder_hidden_states",
               {evaluations, r.tokens, config.contextWidth})};
  GraphBuilder& b = f.builder();
  BURIN_ASSIGN(AdapterInputs adapters,
               AdapterInputs::append(b, r, config, inputs));
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  adapters.begin(b, in, branches);
  EditState next = editStep(
      b, config, {in[0], in[1], in[2], in[3], in[4], in[5], f.enter(in[6])});
  BURIN_TRY(adapters.attach(b));
  std::array outputs = {NamedValue{"sample", next.sample},
                        NamedValue{"history", next.history}};
  b.endFunction(outputs);
  return okStatus();
}

Status buildEditDecode(FunctionWriter& f, const nlohmann::json& json) {
  const FunctionRequest& r = f.request();
  BURIN_ASSIGN(AutoencoderConfig config, readAutoencoderConfig(json));
  BURIN_TRY(needImage(r, 1));
  GraphBuilder& b = f.builder();
  std::array inputs = {
      f.tensor("sample", {r.batch, r.height, r.width, config.latentChannels})};
  std::vector<Value> in = b.beginFunction(r.name, inputs);
  Value latent = b.binary("div", in[0], b.constant(config.scaling, b.f32()));
  Value edited = f.leave(autoencoderDecode(b, config, f.enter(latent)));
  std::array outputs = {NamedValue{"edited", edited}};
  b.endFunction(outputs);
  return okStatus();
}

// What a UNet's training works on.
Result<ParameterLayout> readTrained(FunctionWriter& f,
                                    const nlohmann::json& json) {
  BURIN_ASSIGN(UNetConfig config, readUNetConfig(json));
  return trainedLayout(f.builder(), config, f.request().adapter);
}

Status buildTrainInitialize(FunctionWriter& f, const nlohmann::json& json) {
  BURIN_ASSIGN(ParameterLayout layout, readTrained(f, json));
  GraphBuilder& b = f.builder();
  if (f.request().adapter)
    joinTensors(b, f.request().name, layout, "parameters", b.f32());
  else
    trainInitialize(b, f.request().name, layout);
  return okStatus();
}

Status buildTrainExport(FunctionWriter& f, const nlohmann::json& json) {
  BURIN_ASSIGN(ParameterLayout layout, readTrained(f, json));
  GraphBuilder& b = f.builder();
  trainExport(b, f.request().name, layout,
              f.request().adapter ? b.f32() : b.parameterType());
  return okStatus();
}

Status buildTrainStep(FunctionWriter& f, const nlohmann::json& json) {
  BURIN_ASSIGN(UNetConfig config, readEditor(f.request(), json));
  return trainStep(f.builder(), f.request(), config);
}

Status buildTrainGradient(FunctionWriter& f, const nlohmann::json& json) {
  BURIN_ASSIGN(UNetConfig config, readEditor(f.request(), json));
  return trainGradient(f.builder(), f.request(), config);
}

Status buildTrainAccumulate(FunctionWriter& f, const nlohmann::json& json) {
  BURIN_ASSIGN(ParameterLayout layout, readTrained(f, json));
  trainAccumulate(f.builder(), f.request().name, layout);
  return okStatus();
}

Status buildTrainUpdate(FunctionWriter& f, const nlohmann::json& json) {
  BURIN_ASSIGN(ParameterLayout layout, readTrained(f, json));
  trainUpdate(f.builder(), f.request(), layout);
  return okStatus();
}

Status buildEditAdapters(FunctionWriter& f, const nlohmann::json& json) {
  if (!f.request().adapter)
    return invalidArgument("function '" + f.request().name +
                           "' needs \"adapter\" in its request");
  BURIN_ASSIGN(ParameterLayout layout, readTrained(f, json));
  GraphBuilder& b = f.builder();
  joinTensors(b, f.request().name, layout, "adapters", b.activation());
  return okStatus();
}

struct FunctionRow {
  std::string_view component;
  std::string_view name;
  Status (*build)(FunctionWriter&, const nlohmann::json&);
};

constexpr std::array<FunctionRow, 15> kFunctions = {{
    {"unet", "unet", buildUNet},
    {"vae", "vae_encoder", buildEncoder},
    {"vae", "vae_decoder", buildDecoder},
    {"text_encoder", "text_encoder", buildTextEncoder},
    {"text_encoder", "edit_text", buildEditText},
    {"vae", "edit_picture", buildEditPicture},
    {"unet", "edit_adapters", buildEditAdapters},
    {"unet", "edit_step", buildEditStep},
    {"vae", "edit_decode", buildEditDecode},
    {"unet", "train_initialize", buildTrainInitialize},
    {"unet", "train_step", buildTrainStep},
    {"unet", "train_gradient", buildTrainGradient},
    {"unet", "train_accumulate", buildTrainAccumulate},
    {"unet", "train_update", buildTrainUpdate},
    {"unet", "train_export", buildTrainExport},
}};

Result<FunctionRow> findFunction(const FunctionRequest& request) {
  std::string known;
  for (const FunctionRow& row : kFunctions) {
    if (row.component == request.component && row.name == request.name)
      return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name) + " of " +
             std::string(row.component);
  }
  return unimplemented("there is no function '" + request.name +
                       "' of component '" + request.component +
                       "'; Burin has " + known);
}

// Marks the inputs that the request calls invariant.
Status markInvariants(mlir::func::FuncOp function,
                      const FunctionRequest& request) {
  auto unit = mlir::UnitAttr::get(function.getContext());
  for (const std::string& wanted : request.invariant) {
    std::string known;
    bool found = false;
    for (unsigned i = 0; i < function.getNumArguments() && !found; ++i) {
      llvm::StringRef name =
          function.getArgAttrOfType<mlir::StringAttr>(i, kValueName);
      found = name == wanted;
      if (found)
        function.setArgAttr(i, kInvariantAttr, unit);
      known += (known.empty() ? "" : ", ") + name.str();
    }
    if (!found)
      return invalidArgument("function '" + request.name + "' has no input '" +
                             wanted + "' to be invariant; its inputs are " +
                             known);
  }
  return okStatus();
}

} // namespace

mlir::Type floatType(mlir::MLIRContext& context, DType dtype) {
  if (dtype == DType::kBF16)
    return mlir::BFloat16Type::get(&context);
  if (dtype == DType::kF16)
    return mlir::Float16Type::get(&context);
  return mlir::Float32Type::get(&context);
}

Result<mlir::OwningOpRef<mlir::ModuleOp>>
buildModule(mlir::MLIRContext& context, const CompileRequest& request) {
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  for (const FunctionRequest& function : request.functions) {
    const ComponentRequest& component =
        request.components.find(function.component)->second;
    BURIN_ASSIGN(FunctionRow row, findFunction(function));
    if (function.adapter && function.component != "unet")
      return unimplemented("function '" + function.name +
                           "' is of component '" + function.component +
                           "', and \"adapter\" is for the unet");
    GraphBuilder builder(*module, floatType(context, request.precision),
                         floatType(context, component.dtype));
    auto scope = builder.scope(function.component);
    FunctionWriter writer(builder, function);
    BURIN_TRY(row.build(writer, component.config));
    auto built = llvm::cast<mlir::func::FuncOp>(module->getBody()->back());
    BURIN_TRY(markInvariants(built, function));
    if (function.memoryBudget > 0)
      built->setAttr(
          kMemoryBudgetAttr,
          mlir::IntegerAttr::get(mlir::IntegerType::get(&context, 64),
                                 function.memoryBudget << 20));
  }
  if (mlir::failed(mlir::verify(*module)))
    return internalError("the graph of the request does not verify");
  return module;
}

} // namespace burin::models
