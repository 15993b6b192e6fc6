// SPDX-License-Identifier: Apache-2.0
// Edits a picture by an instruction: text and picture are encoded, noise is
// turned into a latent picture step by step, and that is decoded.
//
//   auto editor = Editor::open("model.burin", {});
//   auto plan = editor->plan(request);       // every check, no work
//   auto result = editor->run(*plan, request);
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/pipeline/denoise.h"
#include "models/pipeline/plan.h"
#include "models/pipeline/session.h"

namespace burin::pipeline {

// What edits of pictures of this size run, at the model's own scales.
Result<std::vector<FunctionRequest>> editFunctions(const Checkpoint& model,
                                                   Extent extent, size_t edits);

struct EditProgress {
  enum class Stage { kLoad, kCompile, kEncode, kSample, kDecode };
  Stage stage;
  size_t step = 0;  // done, in kSample
  size_t steps = 0; // in all
};
// Called when a stage begins and after every step; false stops the edit. On a
// card a step may be announced a few steps before it is done.
using EditCallback = std::function<bool(const EditProgress&)>;

// Seconds that each part of an edit took.
struct EditTimes {
  double open = 0; // compile or find the module, load and pack weights
  double encode = 0;
  double sample = 0;
  double decode = 0;
};

struct EditResult {
  Image image;
  Image source; // the given picture at the same extent
  EditTimes times;
  size_t peakDeviceBytes = 0; // see peakBytes
};

// A model opened for editing. The first edit of a shape compiles (or finds)
// its module; later ones of the same shape begin at once. Used by one thread
// at a time.
class Editor {
public:
  static Result<std::unique_ptr<Editor>> open(const std::string& model,
                                              const SessionOptions& options);

  const ModelInfo& info() const { return info_; }
  const text::ClipTokenizer& tokenizer() const { return tokenizer_; }

  Result<EditPlan> plan(const EditRequest& request) const {
    return planEdit(info_, tokenizer_, request);
  }
  // Precondition: `plan` was made from `request` by this editor.
  Result<EditResult> run(const EditPlan& plan, const EditRequest& request,
                         const EditCallback& progress = {});
  // Edits of one size and one number of evaluations at once, each with its own
  // seed, scales, sampler, instruction and adapters. The results share their
  // times. Precondition: plan i was made from request i by this editor.
  Result<std::vector<EditResult>> run(std::span<const EditPlan> plans,
                                      std::span<const EditRequest> requests,
                                      const EditCallback& progress = {},
                                      const Preview& preview = {});

private:
  Editor(std::string path, ModelInfo info, text::ClipTokenizer tokenizer,
         SessionOptions options, std::shared_ptr<Device> device)
      : path_(std::move(path)), info_(std::move(info)),
        tokenizer_(std::move(tokenizer)), options_(std::move(options)),
        device_(std::move(device)) {}

  Status openSession(const EditShape& shape, const EditCallback& progress);
  Result<AdapterBank> openAdapters(std::span<const EditRequest> requests) const;

  std::string path_;
  ModelInfo info_;
  text::ClipTokenizer tokenizer_;
  SessionOptions options_;
  std::shared_ptr<Device> device_;
  std::vector<FunctionRequest> functions_; // that session_ was opened for
  std::unique_ptr<Session> session_;
  std::unique_ptr<Denoiser> denoiser_; // on session_
};

} // namespace burin::pipeline
