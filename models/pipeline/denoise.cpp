// SPDX-License-Identifier: Apache-2.0
// Encoders, sampling loop and decoder around a compiled model.
#include "models/pipeline/denoise.h"

#include <algorithm>
#include <array>

namespace burin::pipeline {
namespace {

template <typename T>
TensorView view(std::string_view name, DType dtype, const Shape& shape,
                const std::vector<T>& values) {
  return {name, dtype, shape, std::as_bytes(std::span(values))};
}

TensorView view(std::string_view name, const Shape& shape,
                const std::vector<float>& values) {
  return view(name, DType::kF32, shape, values);
}

OutputView target(std::string_view name, const Shape& shape,
                  std::vector<float>& values) {
  return {name, DType::kF32, shape, std::as_writable_bytes(std::span(values))};
}

// Copies [pixels, channels] into the channels of wider pixels from `first` on.
void writeChannels(std::span<const float> source, size_t channels,
                   std::span<float> wide, size_t width, size_t first) {
  for (size_t p = 0; p < source.size() / channels; ++p)
    std::ranges::copy(source.subspan(p * channels, channels),
                      wide.subspan(p * width + first, channels).begin());
}

} // namespace

Denoiser::Denoiser(Program& program, const ModelInfo& info,
                   const text::ClipTokenizer& tokenizer, const EditPlan& plan)
    : program_(program), info_(info), tokenizer_(tokenizer), plan_(plan),
      branches_(plan.branches.size()),
      channels_(static_cast<size_t>(info.latentChannels)),
      pixels_(static_cast<size_t>(plan.latent.width) *
              static_cast<size_t>(plan.latent.height)),
      latentShape_{1, plan.latent.height, plan.latent.width,
                   info.latentChannels},
      pictureLatent_(pixels_ * channels_), sample_(pixels_ * channels_),
      scaled_(pixels_ * channels_), guided_(pixels_ * channels_),
      inputs_(branches_ * pixels_ * 2 * channels_),
      outputs_(branches_ * pixels_ * channels_),
      timesteps_(branches_), inputShape_{int64_t(branches_), latentShape_[1],
                                         latentShape_[2], 2 * latentShape_[3]},
      outputShape_{int64_t(branches_), latentShape_[1], latentShape_[2],
                   latentShape_[3]},
      contextShape_{int64_t(branches_), int64_t(tokenizer.maxTokens()),
                    info.textWidth},
      timestepShape_{int64_t(branches_)} {}

Status Denoiser::run(std::string_view function,
                     std::span<const TensorView> inputs,
                     std::span<const OutputView> outputs) {
  BURIN_ASSIGN(const FunctionInfo* info, program_.find(function));
  return program_.run(*info, inputs, outputs).within(std::string(function));
}

// Each different text is encoded once, and copied to the branches that see it.
Status Denoiser::encodeText() {
  auto tokens = static_cast<int64_t>(tokenizer_.maxTokens());
  Shape idsShape = {1, tokens}, pooledShape = {1, info_.textWidth};
  Shape statesShape = {1, tokens, info_.textWidth};
  auto size = static_cast<size_t>(tokens * info_.textWidth);
  std::vector<float> states(size);
  std::vector<float> pooled(static_cast<size_t>(info_.textWidth));
  context_.resize(branches_ * size);
  for (bool withText : {true, false}) {
    auto sees = [&](const Branch& branch) { return branch.text == withText; };
    if (std::ranges::none_of(plan_.branches, sees))
      continue;
    std::vector<int64_t> ids =
        withText ? plan_.instruction.ids : tokenizer_.encode("").ids;
    BURIN_TRY(run("text_encoder",
                  std::array{view("input_ids", DType::kI64, idsShape, ids)},
                  std::array{target("last_hidden_state", statesShape, states),
                             target("pooled_output", pooledShape, pooled)}));
    for (size_t b = 0; b < branches_; ++b)
      if (sees(plan_.branches[b]))
        std::ranges::copy(states,
                          std::span(context_).subspan(b * size).begin());
  }
  return okStatus();
}

// The mode of the posterior, which is its mean: the first half of the moments.
// It is not scaled, unlike the latents that are sampled.
Status Denoiser::encodePicture(const Image& image) {
  Shape imageShape = {1, image.height, image.width, 3};
  Shape momentsShape = {1, plan_.latent.height, plan_.latent.width,
                        2 * info_.latentChannels};
  std::vector<float> values(image.pixels.size());
  std::vector<float> moments(2 * pixels_ * channels_);
  toNetwork(image, values);
  BURIN_TRY(run("vae_encoder", std::array{view("image", imageShape, values)},
                std::array{target("moments", momentsShape, moments)}));
  for (size_t p = 0; p < pixels_; ++p)
    std::ranges::copy(std::span(moments).subspan(2 * p * channels_, channels_),
                      std::span(pictureLatent_).subspan(p * channels_).begin());
  return okStatus();
}

// What the network reads beside the sample stays the same in every step.
void Denoiser::writeConditions() {
  size_t size = pixels_ * 2 * channels_;
  for (size_t b = 0; b < branches_; ++b)
    if (plan_.branches[b].picture)
      writeChannels(pictureLatent_, channels_,
                    std::span(inputs_).subspan(b * size, size), 2 * channels_,
                    channels_);
}

// Runs what depends on the text alone, when the module has it apart, and lists
// what each step reads.
Status Denoiser::prepareSteps() {
  TensorView context = view("encoder_hidden_states", contextShape_, context_);
  std::vector<OutputView> results;
  for (const FunctionInfo* function : program_.functions())
    if (function->name == "unet.invariants")
      for (const TensorSpec& spec : function->outputs) {
        auto bytes = byteCount(spec.dtype, spec.shape).value_or(0);
        invariants_.push_back(
            {&spec, std::vector<std::byte>(static_cast<size_t>(bytes))});
      }
  for (Invariant& invariant : invariants_)
    results.push_back({invariant.spec->name, invariant.spec->dtype,
                       invariant.spec->shape, invariant.bytes});
  if (!invariants_.empty())
    BURIN_TRY(run("unet.invariants", std::span(&context, 1), results));

  BURIN_ASSIGN(const FunctionInfo* unet, program_.find("unet"));
  stepInputs_ = {view("sample", inputShape_, inputs_),
                 view("timestep", timestepShape_, timesteps_)};
  for (const TensorSpec& spec : unet->inputs)
    if (spec.name == context.name)
      stepInputs_.push_back(context);
  for (const Invariant& invariant : invariants_)
    stepInputs_.push_back({invariant.spec->name, invariant.spec->dtype,
                           invariant.spec->shape, invariant.bytes});
  return okStatus();
}

Status Denoiser::evaluate(float timestep) {
  size_t size = pixels_ * 2 * channels_;
  for (size_t b = 0; b < branches_; ++b)
    writeChannels(scaled_, channels_,
                  std::span(inputs_).subspan(b * size, size), 2 * channels_, 0);
  std::ranges::fill(timesteps_, timestep);
  BURIN_TRY(run("unet", stepInputs_,
                std::array{target("sample", outputShape_, outputs_)}));
  combine(plan_.branches, outputs_, guided_);
  return okStatus();
}

Status Denoiser::sample(LatentNoise& noise,
                        const std::function<Status(size_t done)>& afterStep) {
  schedule::Sampler sampler(plan_.schedule, sample_.size());
  std::vector<float> fresh(sampler.drawsNoise() ? sample_.size() : 0);
  noise.draw(sample_);
  sampler.scaleInitial(sample_);
  writeConditions();
  BURIN_TRY(prepareSteps());
  for (size_t i = 0; i < sampler.steps().size(); ++i) {
    sampler.scaleInput(i, sample_, scaled_);
    BURIN_TRY(evaluate(sampler.steps()[i].timestep));
    if (sampler.drawsNoise())
      noise.draw(fresh);
    sampler.step(i, guided_, sample_, fresh);
    BURIN_TRY(afterStep(i + 1));
  }
  return okStatus();
}

Result<Image> Denoiser::decode() {
  auto scale = static_cast<float>(info_.scaling);
  for (size_t j = 0; j < sample_.size(); ++j)
    scaled_[j] = sample_[j] / scale;
  Shape imageShape = {1, plan_.extent.height, plan_.extent.width, 3};
  std::vector<float> values(static_cast<size_t>(*elementCount(imageShape)));
  BURIN_TRY(run("vae_decoder",
                std::array{view("latent", latentShape_, scaled_)},
                std::array{target("image", imageShape, values)}));
  return fromNetwork(values, plan_.extent);
}

} // namespace burin::pipeline
