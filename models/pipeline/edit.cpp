// SPDX-License-Identifier: Apache-2.0
// Opens a model for the shape of an edit and runs the edit's stages.
#include "models/pipeline/edit.h"

#include <algorithm>
#include <chrono>

#include "formats/image/resize.h"

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

Result<std::vector<FunctionRequest>>
editFunctions(const Checkpoint& model, Extent extent, size_t edits) {
  BURIN_ASSIGN(ModelInfo info, readModelInfo(model));
  const int stride = info.stride();
  if (extent.width < stride || extent.height < stride ||
      extent.width % stride != 0 || extent.height % stride != 0)
    return invalidArgument("an edit takes a height and a width that are "
                           "multiples of " +
                           std::to_string(stride) + ", not " +
                           std::to_string(extent.height) + " and " +
                           std::to_string(extent.width));
  EditShape shape;
  shape.extent = extent;
  shape.latent = {extent.width / info.vaeStride,
                  extent.height / info.vaeStride};
  shape.edits = edits;
  shape.branches =
      guidanceBranches(info.defaults.textScale, info.defaults.imageScale);
  BURIN_ASSIGN(text::ClipTokenizer tokenizer, readTokenizer(model));
  shape.tokens = tokenizer.maxTokens();
  return editFunctions(shape);
}

Result<std::unique_ptr<Editor>> Editor::open(const std::string& model,
                                             const SessionOptions& options) {
  BURIN_ASSIGN(std::shared_ptr<Device> device,
               openDevice(options.device, options.threads));
  BURIN_ASSIGN(std::string processor, targetOf(*device));
  BURIN_TRY(checkPrecision(options.precision, processor));
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(model));
  BURIN_ASSIGN(ModelInfo info, readModelInfo(checkpoint));
  // Whether they fit shows here; each session reads them again.
  BURIN_TRY(
      adapters::AdaptedWeights::open(checkpoint, options.adapters).status());
  BURIN_ASSIGN(text::ClipTokenizer tokenizer, readTokenizer(checkpoint));
  SessionOptions ours = options;
  ours.layout = Layout::kNhwc;
  return std::unique_ptr<Editor>(
      new Editor(model, std::move(info), std::move(tokenizer), std::move(ours),
                 std::move(device)));
}

Status Editor::openSession(const EditShape& shape,
                           const EditCallback& progress) {
  std::vector<FunctionRequest> functions = editFunctions(shape);
  if (denoiser_ && functions == functions_)
    return okStatus();

  denoiser_.reset(); // its memory is free before the next one needs more
  session_.reset();
  BURIN_TRY(notify(progress, EditProgress::Stage::kLoad));
  SessionOptions options = options_;
  Status stopped;
  options.compile.onCompile = [&] {
    stopped = notify(progress, EditProgress::Stage::kCompile);
  };
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(path_));
  BURIN_ASSIGN(session_, Session::open(std::move(checkpoint), functions,
                                       options, device_));
  BURIN_ASSIGN(denoiser_, Denoiser::create(*session_, shape));
  functions_ = std::move(functions);
  return stopped;
}

Result<AdapterBank>
Editor::openAdapters(std::span<const EditRequest> requests) const {
  std::vector<std::span<const adapters::AdapterUse>> uses;
  for (const EditRequest& request : requests)
    uses.emplace_back(request.adapters);
  if (std::ranges::all_of(uses, [](auto& edit) { return edit.empty(); }))
    return AdapterBank();
  BURIN_ASSIGN(Checkpoint model, Checkpoint::open(path_));
  return AdapterBank::open(model, uses);
}

Result<EditResult> Editor::run(const EditPlan& plan, const EditRequest& request,
                               const EditCallback& progress) {
  BURIN_ASSIGN(std::vector<EditResult> results,
               run(std::span(&plan, 1), std::span(&request, 1), progress));
  return std::move(results.front());
}

Result<std::vector<EditResult>>
Editor::run(std::span<const EditPlan> plans,
            std::span<const EditRequest> requests, const EditCallback& progress,
            const Preview& preview) {
  EditTimes times;
  Stopwatch watch;
  BURIN_ASSIGN(EditShape shape, shapeOf(plans));
  BURIN_ASSIGN(AdapterBank bank, openAdapters(requests));
  shape.adapter = bank.shape();
  BURIN_TRY(openSession(shape, progress));
  if (shape.adapter)
    BURIN_TRY(denoiser_->setAdapters(bank));
  times.open = watch.lap();

  BURIN_TRY(notify(progress, EditProgress::Stage::kEncode));
  std::vector<Image> sources;
  std::vector<LatentNoise> noise;
  for (const EditRequest& request : requests) {
    sources.push_back(
        fit(request.image, shape.extent.width, shape.extent.height));
    noise.emplace_back(request.random, request.seed, request.noise,
                       shape.latent, info_.latentChannels);
  }
  BURIN_TRY(denoiser_->encode(plans, tokenizer_.encode(""), sources));
  times.encode = watch.lap();

  size_t steps = plans.front().schedule.steps.size();
  BURIN_TRY(notify(progress, EditProgress::Stage::kSample, 0, steps));
  auto afterStep = [&](size_t done) {
    return notify(progress, EditProgress::Stage::kSample, done, steps);
  };
  BURIN_TRY(denoiser_->sample(plans, noise, afterStep, preview));
  times.sample = watch.lap();

  BURIN_TRY(notify(progress, EditProgress::Stage::kDecode));
  BURIN_ASSIGN(std::vector<Image> images, denoiser_->decode());
  times.decode = watch.lap();
  std::vector<EditResult> results;
  for (size_t e = 0; e < images.size(); ++e)
    results.push_back({std::move(images[e]), std::move(sources[e]), times,
                       peakBytes(*device_)});
  return results;
}

} // namespace burin::pipeline
