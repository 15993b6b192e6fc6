// SPDX-License-Identifier: Apache-2.0
// Opens a model for the shape of an edit and runs the edit's stages.
#include "models/pipeline/edit.h"

#include <chrono>

#include "formats/image/resize.h"
#include "models/pipeline/denoise.h"

namespace burin::pipeline {
namespace {

class Stopwatch {
public:
  // Seconds since the last lap.
  double lap() {
    Clock::time_point now = Clock::now();
    double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

Status notify(const EditCallback& progress, EditProgress::Stage stage,
              size_t step = 0, size_t steps = 0) {
  if (progress && !progress({stage, step, steps}))
    return Status(Code::kCancelled, "the edit was stopped");
  return okStatus();
}

} // namespace

Result<std::unique_ptr<Editor>> Editor::open(const std::string& model,
                                             const SessionOptions& options) {
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(model));
  BURIN_ASSIGN(ModelInfo info, readModelInfo(checkpoint));
  BURIN_ASSIGN(text::ClipTokenizer tokenizer, readTokenizer(checkpoint));
  SessionOptions ours = options;
  ours.layout = Layout::kNhwc;
  return std::unique_ptr<Editor>(new Editor(
      model, std::move(info), std::move(tokenizer), std::move(ours)));
}

Status Editor::openSession(const EditPlan& plan, const EditCallback& progress) {
  auto tokens = static_cast<int64_t>(tokenizer_.maxTokens());
  auto branches = static_cast<int64_t>(plan.branches.size());
  std::vector<FunctionRequest> functions = {
      {"text_encoder", 1, 0, 0, tokens, {}},
      {"vae_encoder", 1, plan.extent.height, plan.extent.width, 0, {}},
      {"unet",
       branches,
       plan.latent.height,
       plan.latent.width,
       tokens,
       {"encoder_hidden_states"}}, // the text's keys and values: once
      {"vae_decoder", 1, plan.latent.height, plan.latent.width, 0, {}}};
  if (session_ && functions == functions_)
    return okStatus();

  session_.reset(); // its memory is free before the next one needs more
  BURIN_TRY(notify(progress, EditProgress::Stage::kLoad));
  SessionOptions options = options_;
  Status stopped;
  options.compile.onCompile = [&] {
    stopped = notify(progress, EditProgress::Stage::kCompile);
  };
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(path_));
  BURIN_ASSIGN(session_,
               Session::open(std::move(checkpoint), functions, options));
  functions_ = std::move(functions);
  return stopped;
}

Result<EditResult> Editor::run(const EditPlan& plan, const EditRequest& request,
                               const EditCallback& progress) {
  EditResult result;
  Stopwatch watch;
  BURIN_TRY(openSession(plan, progress));
  result.times.open = watch.lap();

  BURIN_TRY(notify(progress, EditProgress::Stage::kEncode));
  result.source = fit(request.image, plan.extent.width, plan.extent.height);
  Denoiser denoiser(session_->program(), info_, tokenizer_, plan);
  BURIN_TRY(denoiser.encodeText());
  BURIN_TRY(denoiser.encodePicture(result.source));
  result.times.encode = watch.lap();

  size_t steps = plan.schedule.steps.size();
  BURIN_TRY(notify(progress, EditProgress::Stage::kSample, 0, steps));
  LatentNoise noise(request.random, request.seed, request.noise, plan.latent,
                    info_.latentChannels);
  BURIN_TRY(denoiser.sample(noise, [&](size_t done) {
    return notify(progress, EditProgress::Stage::kSample, done, steps);
  }));
  result.times.sample = watch.lap();

  BURIN_TRY(notify(progress, EditProgress::Stage::kDecode));
  BURIN_ASSIGN(result.image, denoiser.decode());
  result.times.decode = watch.lap();
  return result;
}

} // namespace burin::pipeline
