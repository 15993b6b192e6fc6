// SPDX-License-Identifier: Apache-2.0
// Reads goldens, and builds the blocks that no compile request can name.
#include "tests/models/golden.h"

#include "models/graph/build.h"
#include "models/graph/diffusion/unet.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <map>

namespace burin::golden {

namespace {

using namespace models;

using Arguments = std::map<std::string, Value, std::less<>>;

struct Block {
  GraphBuilder& b;
  const nlohmann::json& options;
  const Arguments& in;

  int64_t integer(const char* key) const {
    return options.value(key, int64_t{0});
  }
  Norm norm() const { return {integer("groups"), options.value("eps", 0.0)}; }
  Value argument(std::string_view name) const {
    auto found = in.find(name);
    return found == in.end() ? Value() : found->second;
  }
  // Networks activate the time embedding once, before their blocks, and lay it
  // out as an image of one pixel.
  Value time() const {
    Value raw = argument("time");
    if (!raw)
      return raw;
    return b.reshape(b.silu(raw), {extent(raw, 0), 1, 1, extent(raw, -1)});
  }
};

std::vector<NamedValue> resnet(const Block& f) {
  ResnetOptions options = {f.integer("channels"), f.norm()};
  return {{"y", resnetBlock(f.b, "", f.argument("x"), f.time(), options)}};
}

std::vector<NamedValue> transformer(const Block& f) {
  TransformerOptions options = {f.integer("heads"), f.integer("depth"),
                                f.integer("groups"),
                                f.options.value("linear", false)};
  return {{"y", spatialTransformer(f.b, "", f.argument("x"), f.argument("text"),
                                   options)}};
}

UNetContext contextOf(const Block& f) {
  return {f.time(), f.argument("text"), f.norm(), "silu", 1};
}

UNetLevel levelOf(const Block& f) {
  UNetLevel level = {f.integer("channels"), f.integer("layers"), std::nullopt,
                     f.options.value("resample", false)};
  if (int64_t heads = f.integer("heads"))
    level.transformer = {heads, 1, f.integer("groups"), false};
  return level;
}

std::vector<NamedValue> unetDown(const Block& f) {
  std::vector<Value> skips;
  Value y =
      unetDownBlock(f.b, "", f.argument("x"), contextOf(f), levelOf(f), skips);
  std::vector<NamedValue> outputs = {{"y", y}};
  for (size_t i = 0; i < skips.size(); ++i)
    outputs.push_back({"skip" + std::to_string(i), skips[i]});
  return outputs;
}

std::vector<NamedValue> unetMiddle(const Block& f) {
  return {{"y", unetMiddleBlock(f.b, "", f.argument("x"), contextOf(f),
                                levelOf(f))}};
}

std::vector<NamedValue> unetUp(const Block& f) {
  std::vector<Value> skips = {f.argument("skip0"), f.argument("skip1")};
  return {{"y", unetUpBlock(f.b, "", f.argument("x"), contextOf(f), levelOf(f),
                            skips)}};
}

const std::map<std::string, std::vector<NamedValue> (*)(const Block&)> kBlocks =
    {{"resnet", resnet},
     {"transformer", transformer},
     {"unet_down", unetDown},
     {"unet_middle", unetMiddle},
     {"unet_up", unetUp}};

Result<mlir::OwningOpRef<mlir::ModuleOp>> buildBlock(mlir::MLIRContext& context,
                                                     const Function& function,
                                                     const std::string& kind,
                                                     const std::string& options,
                                                     DType precision) {
  auto block = kBlocks.find(kind);
  if (block == kBlocks.end())
    return notFound("a golden asks for block '" + kind + "'");
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  mlir::Type f32 = mlir::Float32Type::get(&context);
  GraphBuilder b(*module, floatType(context, precision), f32);
  std::vector<NamedType> inputs;
  for (const TensorView& input : function.inputs)
    inputs.push_back(
        {std::string(input.name),
         mlir::RankedTensorType::get(
             llvm::ArrayRef(input.shape.data(), input.shape.size()), f32)});
  auto scope = b.scope("block");
  std::vector<Value> values = b.beginFunction(function.name, inputs);
  Arguments arguments;
  for (size_t i = 0; i < inputs.size(); ++i)
    arguments[inputs[i].name] = b.cast(values[i], b.activation());
  nlohmann::json json = nlohmann::json::parse(options, nullptr, false);
  std::vector<NamedValue> outputs = block->second({b, json, arguments});
  for (NamedValue& output : outputs)
    output.value = b.cast(output.value, b.f32());
  b.endFunction(outputs);
  return module;
}

} // namespace

Result<Golden> Golden::open(const std::string& name) {
  BURIN_ASSIGN(
      SafetensorsFile file,
      SafetensorsFile::open("tests/models/golden/" + name + ".safetensors"));
  return Golden(std::move(file));
}

// Tensors are named "inputs.<function>.<value>" and "outputs. ..".
Golden::Golden(SafetensorsFile file) : file_(std::move(file)) {
  std::map<std::string, Function, std::less<>> functions;
  for (const TensorView& tensor : file_.tensors()) {
    bool input = tensor.name.starts_with("inputs.");
    if (!input && !tensor.name.starts_with("outputs."))
      continue;
    size_t begin = tensor.name.find('.') + 1;
    size_t end = tensor.name.find('.', begin);
    std::string name(tensor.name.substr(begin, end - begin));
    Function& function = functions[name];
    function.name = name;
    TensorView value = tensor;
    value.name = tensor.name.substr(end + 1);
    (input ? function.inputs : function.outputs).push_back(value);
  }
  for (auto& [name, function] : functions)
    functions_.push_back(std::move(function));
}

Result<mlir::OwningOpRef<mlir::ModuleOp>>
Golden::build(mlir::MLIRContext& context, DType precision) const {
  const StringMap& metadata = file_.metadata();
  if (auto request = metadata.find("request"); request != metadata.end()) {
    BURIN_ASSIGN(CompileRequest parsed, parseCompileRequest(request->second));
    parsed.precision = precision;
    return buildModule(context, parsed);
  }
  auto block = metadata.find("block");
  auto options = metadata.find("options");
  if (block == metadata.end() || options == metadata.end() ||
      functions_.size() != 1)
    return dataLoss("a golden has neither a request nor a block");
  return buildBlock(context, functions_[0], block->second, options->second,
                    precision);
}

double relativeError(const TensorView& actual, const TensorView& expected) {
  auto* a = reinterpret_cast<const float*>(actual.data.data());
  auto* e = reinterpret_cast<const float*>(expected.data.data());
  size_t count = expected.data.size() / sizeof(float);
  double difference = 0, norm = 0;
  for (size_t i = 0; i < count; ++i) {
    double d = static_cast<double>(a[i]) - e[i];
    difference += d * d;
    norm += static_cast<double>(e[i]) * e[i];
  }
  return std::sqrt(difference / norm);
}

} // namespace burin::golden
