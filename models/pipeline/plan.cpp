// SPDX-License-Identifier: Apache-2.0
// Checks a request and works out its sizes, branches and steps.
#include "models/pipeline/plan.h"

#include <cstdio>

namespace burin::pipeline {
namespace {

constexpr double kMaxScale = 1000;

std::string shown(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

Status checkScale(const char* what, double scale) {
  if (scale >= 0 && scale <= kMaxScale) // false for NaN
    return okStatus();
  return invalidArgument(std::string("the ") + what + " scale is " +
                         shown(scale) + "; it must be from 0 to " +
                         shown(kMaxScale));
}

Status checkInstruction(const text::ClipTokenizer& tokenizer,
                        const text::Encoding& instruction, bool cut) {
  if (instruction.tokens <= 2) // the marks alone
    return invalidArgument("the instruction is empty; say what to change, "
                           "such as \"make it night\"");
  if (instruction.cut.empty() || cut)
    return okStatus();
  constexpr size_t kShown = 200;
  std::string rest = instruction.cut.substr(0, kShown);
  if (rest.size() < instruction.cut.size())
    rest += "...";
  return invalidArgument(
      "the instruction has " + std::to_string(instruction.tokens) +
      " tokens, the model reads " + std::to_string(tokenizer.maxTokens()) +
      "; shorten it, what does not fit begins with \"" + rest + "\"");
}

Status checkNoise(const ModelInfo& info, const EditPlan& plan,
                  const std::vector<float>& noise) {
  size_t rows = 1 + (plan.schedule.drawsNoise ? plan.schedule.steps.size() : 0);
  size_t row = size_t(plan.latent.width) * size_t(plan.latent.height) *
               size_t(info.latentChannels);
  if (noise.empty() || noise.size() == rows * row)
    return okStatus();
  return invalidArgument("the given noise has " + std::to_string(noise.size()) +
                         " numbers; this edit takes " + std::to_string(rows) +
                         " x " + std::to_string(info.latentChannels) + " x " +
                         std::to_string(plan.latent.height) + " x " +
                         std::to_string(plan.latent.width));
}

} // namespace

Result<EditPlan> planEdit(const ModelInfo& info,
                          const text::ClipTokenizer& tokenizer,
                          const EditRequest& request) {
  EditPlan plan;
  const EditDefaults& defaults = info.defaults;
  plan.textScale = request.textScale.value_or(defaults.textScale);
  plan.imageScale = request.imageScale.value_or(defaults.imageScale);
  BURIN_TRY(checkScale("text", plan.textScale));
  BURIN_TRY(checkScale("image", plan.imageScale));
  plan.branches = guidanceBranches(plan.textScale, plan.imageScale);

  plan.steps = request.steps.value_or(defaults.steps);
  schedule::SamplerOptions options;
  options.kind = request.sampler ? request.sampler : defaults.sampler;
  options.steps = plan.steps;
  options.eta = request.eta;
  plan.sampler = options.kind.value_or(info.scheduler.kind);
  BURIN_ASSIGN(plan.schedule, schedule::makePlan(info.scheduler, options));

  BURIN_ASSIGN(plan.extent,
               editExtent({request.image.width, request.image.height},
                          request.size.value_or(defaults.size), info.stride()));
  plan.latent = {plan.extent.width / info.vaeStride,
                 plan.extent.height / info.vaeStride};

  plan.instruction = tokenizer.encode(request.instruction);
  BURIN_TRY(checkInstruction(tokenizer, plan.instruction, request.cutLongText));
  BURIN_TRY(checkNoise(info, plan, request.noise));
  return plan;
}

} // namespace burin::pipeline
