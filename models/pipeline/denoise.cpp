// SPDX-License-Identifier: Apache-2.0
// Binds the functions of an edit to buffers once, then only enqueues them.
#include "models/pipeline/denoise.h"

#include <algorithm>

namespace burin::pipeline {
namespace {

// Tensors that a step reads in one buffer and writes in another.
bool alternates(std::string_view name) {
  return name == "sample" || name == "history";
}

std::string bufferName(std::string_view name, int parity) {
  std::string buffer(name);
  return alternates(name) ? buffer + (parity ? ".1" : ".0") : buffer;
}

bool drawsNoise(std::span<const EditPlan> plans) {
  return std::ranges::any_of(
      plans, [](const EditPlan& plan) { return plan.schedule.drawsNoise; });
}

std::string described(const EditPlan& plan) {
  return std::to_string(plan.extent.width) + "x" +
         std::to_string(plan.extent.height) + " in " +
         std::to_string(plan.schedule.steps.size()) + " evaluations";
}

} // namespace

Result<EditShape> shapeOf(std::span<const EditPlan> plans) {
  if (plans.empty())
    return invalidArgument("there is no edit to run; give at least one");
  const EditPlan& first = plans.front();
  EditShape shape;
  shape.extent = first.extent;
  shape.latent = first.latent;
  shape.edits = plans.size();
  shape.tokens = first.instruction.ids.size();
  for (const EditPlan& plan : plans)
    if (plan.extent != first.extent ||
        plan.schedule.steps.size() != first.schedule.steps.size())
      return invalidArgument("edits that run together have one size and one "
                             "number of evaluations; here are " +
                             described(first) + " and " + described(plan) +
                             ": run them one after another");
  // In the order of guidanceBranches, each that any edit needs.
  for (Branch kind : {Branch{true, true, 0}, Branch{false, true, 0},
                      Branch{false, false, 0}}) {
    auto needs = [&](const EditPlan& plan) {
      return weightOf(plan.branches, kind) != 0;
    };
    if (std::ranges::any_of(plans, needs))
      shape.branches.push_back(kind);
  }
  return shape;
}

std::vector<FunctionRequest> editFunctions(const EditShape& shape) {
  FunctionRequest text, picture, step, decode;
  text.name = "edit_text";
  picture.name = "edit_picture";
  step.name = "edit_step";
  decode.name = "edit_decode";
  text.tokens = step.tokens = static_cast<int64_t>(shape.tokens);
  picture.height = shape.extent.height;
  picture.width = shape.extent.width;
  step.height = decode.height = shape.latent.height;
  step.width = decode.width = shape.latent.width;
  for (const Branch& branch : shape.branches)
    step.branches.push_back(branchName(branch));
  text.branches = picture.branches = step.branches;
  step.adapter = shape.adapter;
  std::vector<FunctionRequest> functions = {text, picture, step, decode};
  for (FunctionRequest& function : functions)
    function.batch = static_cast<int64_t>(shape.edits);
  if (shape.adapter) {
    FunctionRequest join;
    join.name = "edit_adapters";
    join.adapter = shape.adapter;
    functions.push_back(std::move(join));
  }
  return functions;
}

Result<std::unique_ptr<Denoiser>> Denoiser::create(Session& session,
                                                   EditShape shape) {
  std::unique_ptr<Denoiser> denoiser(new Denoiser(session, std::move(shape)));
  BURIN_TRY(denoiser->bindFunctions().within("the edit's tensors"));
  return denoiser;
}

// A module that was given, not compiled for this edit, may be for another.
Status Denoiser::checkShape() const {
  BURIN_ASSIGN(const FunctionInfo* picture,
               session_.program().find("edit_picture"));
  BURIN_ASSIGN(const FunctionInfo* step, session_.program().find("edit_step"));
  auto shapeOf = [](const FunctionInfo& function, std::string_view name) {
    for (const TensorSpec& spec : function.inputs)
      if (spec.name == name)
        return spec.shape;
    return Shape();
  };
  auto edits = static_cast<int64_t>(shape_.edits);
  auto branches = static_cast<int64_t>(shape_.branches.size());
  Shape image = shapeOf(*picture, "image");
  Shape condition = shapeOf(*step, "picture");
  if (image.size() == 4 && condition.size() == 4 && image[0] == edits &&
      image[1] == shape_.extent.height && image[2] == shape_.extent.width &&
      condition[0] == edits * branches &&
      condition[1] == shape_.latent.height &&
      condition[2] == shape_.latent.width)
    return okStatus();
  return invalidArgument(
      "the module edits pictures of shape " + toString(image) + " with " +
      toString(condition) + " conditions; this edit has " +
      std::to_string(shape_.edits) + " of " +
      std::to_string(shape_.extent.height) + "x" +
      std::to_string(shape_.extent.width) + " in " + std::to_string(branches) +
      " branches; compile a module for it (burin compile --function edit)");
}

Status Denoiser::bindFunctions() {
  BURIN_TRY(checkShape());
  BURIN_ASSIGN(text_, bind("edit_text"));
  BURIN_ASSIGN(picture_, bind("edit_picture"));
  if (shape_.adapter) {
    BURIN_ASSIGN(adapters_, bind("edit_adapters"));
  }
  for (int parity : {0, 1}) {
    BURIN_ASSIGN(step_[parity], bind("edit_step", parity));
    BURIN_ASSIGN(decode_[parity], bind("edit_decode", parity));
  }
  // Absent where the network reads nothing of the text.
  constexpr std::string_view kInvariants = "edit_step.invariants";
  for (const FunctionInfo* function : session_.program().functions())
    if (function->name == kInvariants) {
      BURIN_ASSIGN(invariants_, bind(kInvariants));
    }
  latents_.resize(buffers_.at("first").bytes / sizeof(float));
  coefficients_.resize(buffers_.at("coefficients").bytes / sizeof(float));
  return okStatus();
}

Result<Denoiser::Bound> Denoiser::bind(std::string_view function, int parity) {
  Bound bound;
  BURIN_ASSIGN(bound.function, session_.program().find(function));
  for (const TensorSpec& spec : bound.function->inputs) {
    BURIN_ASSIGN(std::byte * data, address(spec, parity));
    bound.inputs.push_back(data);
  }
  for (const TensorSpec& spec : bound.function->outputs) {
    BURIN_ASSIGN(std::byte * data, address(spec, 1 - parity));
    bound.outputs.push_back(data);
  }
  return bound;
}

// The buffer of that name, made when it is first asked for.
Result<std::byte*> Denoiser::address(const TensorSpec& spec, int parity) {
  std::string name = bufferName(spec.name, parity);
  auto bytes = static_cast<size_t>(*byteCount(spec.dtype, spec.shape));
  auto known = buffers_.find(name);
  if (known == buffers_.end()) {
    BURIN_ASSIGN(Memory memory, session_.device().allocate(bytes));
    known = buffers_.emplace(name, Buffer{std::move(memory), bytes}).first;
  }
  if (known->second.bytes != bytes)
    return internalError("two functions of the module differ in '" + name +
                         "': " + std::to_string(known->second.bytes) + " and " +
                         std::to_string(bytes) + " bytes");
  return known->second.memory.data();
}

Status Denoiser::enqueue(const Bound& bound) {
  return session_.program()
      .enqueue(*bound.function, bound.inputs, bound.outputs)
      .within(std::string(bound.function->name));
}

Status Denoiser::upload(const std::string& name,
                        std::span<const std::byte> values) {
  return session_.device().upload(buffers_.at(name).memory.data(), values);
}

Status Denoiser::setAdapters(const AdapterBank& bank) {
  for (const TensorSpec& spec : adapters_.function->inputs) {
    std::vector<float> values = bank.factor(spec);
    BURIN_TRY(upload(spec.name, std::as_bytes(std::span(values))));
  }
  BURIN_TRY(enqueue(adapters_));
  BURIN_TRY(upload("adapter_gate", std::as_bytes(std::span(bank.gate()))));
  return session_.device().synchronize();
}

Status Denoiser::encode(std::span<const EditPlan> plans,
                        const text::Encoding& emptyText,
                        std::span<const Image> images) {
  std::vector<int64_t> ids;
  auto append = [&](const text::Encoding& text) {
    ids.insert(ids.end(), text.ids.begin(), text.ids.end());
  };
  if (std::ranges::any_of(shape_.branches, &Branch::text))
    for (const EditPlan& plan : plans)
      append(plan.instruction);
  if (!std::ranges::all_of(shape_.branches, &Branch::text))
    append(emptyText);
  BURIN_TRY(upload("input_ids", std::as_bytes(std::span(ids))));

  std::vector<float> pixels(buffers_.at("image").bytes / sizeof(float));
  std::span<float> rest = pixels;
  for (const Image& image : images) {
    toNetwork(image, rest.first(image.pixels.size()));
    rest = rest.subspan(image.pixels.size());
  }
  BURIN_TRY(upload("image", std::as_bytes(std::span(pixels))));
  BURIN_TRY(enqueue(text_));
  if (invariants_.function)
    BURIN_TRY(enqueue(invariants_));
  BURIN_TRY(enqueue(picture_));
  return session_.device().synchronize();
}

// The first sample, in both places where step 0 looks for it, and a history of
// zeros: a weight of 0 would not silence what an earlier edit left there if it
// were not finite.
Status Denoiser::begin(std::span<const EditPlan> plans,
                       std::span<LatentNoise> noise) {
  size_t size = latents_.size() / plans.size();
  for (size_t e = 0; e < plans.size(); ++e) {
    std::span<float> sample = std::span(latents_).subspan(e * size, size);
    noise[e].draw(sample);
    for (float& value : sample)
      value *= plans[e].schedule.initialScale;
  }
  std::span<const std::byte> sample = std::as_bytes(std::span(latents_));
  BURIN_TRY(upload("first", sample));
  BURIN_TRY(upload("sample.0", sample));
  std::vector<std::byte> zeros(buffers_.at("history.0").bytes);
  BURIN_TRY(upload("history.0", zeros));
  std::ranges::fill(latents_, 0.0f);
  return upload("noise", sample);
}

Status Denoiser::uploadStep(std::span<const EditPlan> plans, size_t step,
                            std::span<LatentNoise> noise) {
  std::vector<float> weights(shape_.branches.size());
  for (size_t e = 0; e < plans.size(); ++e) {
    for (size_t b = 0; b < weights.size(); ++b)
      weights[b] = weightOf(plans[e].branches, shape_.branches[b]);
    schedule::writeCoefficients(plans[e].schedule.steps[step], weights, e,
                                plans.size(), coefficients_);
  }
  BURIN_TRY(upload("coefficients", std::as_bytes(std::span(coefficients_))));
  if (!drawsNoise(plans))
    return okStatus();
  size_t size = latents_.size() / plans.size();
  for (size_t e = 0; e < plans.size(); ++e)
    if (plans[e].schedule.drawsNoise)
      noise[e].draw(std::span(latents_).subspan(e * size, size));
  return upload("noise", std::as_bytes(std::span(latents_)));
}

Status Denoiser::showPreview(const Preview& preview, size_t done) {
  if (!preview.show || preview.every == 0 || done % preview.every != 0)
    return okStatus();
  std::vector<float> latents(latents_.size());
  const Buffer& sample = buffers_.at(bufferName("sample", parity_));
  BURIN_TRY(session_.device().download(
      std::as_writable_bytes(std::span(latents)), sample.memory.data()));
  preview.show(done, latents);
  return okStatus();
}

Status Denoiser::sample(std::span<const EditPlan> plans,
                        std::span<LatentNoise> noise,
                        const std::function<Status(size_t step)>& afterStep,
                        const Preview& preview) {
  BURIN_TRY(begin(plans, noise));
  parity_ = 0;
  size_t steps = plans.front().schedule.steps.size();
  for (size_t i = 0; i < steps; ++i) {
    BURIN_TRY(uploadStep(plans, i, noise));
    BURIN_TRY(enqueue(step_[parity_]));
    parity_ = 1 - parity_;
    if ((i + 1) % kAhead == 0 || i + 1 == steps)
      BURIN_TRY(session_.device().synchronize());
    BURIN_TRY(showPreview(preview, i + 1));
    BURIN_TRY(afterStep(i + 1));
  }
  return okStatus();
}

Result<std::vector<Image>> Denoiser::decode() {
  BURIN_TRY(enqueue(decode_[parity_]));
  const Buffer& edited = buffers_.at("edited");
  std::vector<float> pixels(edited.bytes / sizeof(float));
  BURIN_TRY(session_.device().download(
      std::as_writable_bytes(std::span(pixels)), edited.memory.data()));
  std::vector<Image> images;
  size_t size = pixels.size() / shape_.edits;
  for (size_t e = 0; e < shape_.edits; ++e)
    images.push_back(
        fromNetwork(std::span(pixels).subspan(e * size, size), shape_.extent));
  return images;
}

} // namespace burin::pipeline
