// SPDX-License-Identifier: Apache-2.0
// Edits of one size on an open session: between the ids, pictures and noise
// that go up and the pictures that come down, everything stays in the
// device's memory, and the host waits for nothing but the end.
//
// Pictures and latents are channels-last.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/pipeline/adapter_bank.h"
#include "models/pipeline/plan.h"
#include "models/pipeline/session.h"

namespace burin::pipeline {

// What the functions of a group of edits are compiled for.
struct EditShape {
  Extent extent, latent;
  size_t edits = 1;
  std::vector<Branch> branches; // of all edits; the weights mean nothing
  size_t tokens = 77;
  std::optional<AdapterShape> adapter; // of AdapterBank
};

// The shape that edits share. The error says which plans differ in size or in
// the number of evaluations.
Result<EditShape> shapeOf(std::span<const EditPlan> plans);
std::vector<FunctionRequest> editFunctions(const EditShape& shape);

// The latents that each edit has come to, [edits, height, width, channels].
struct Preview {
  size_t every = 0; // steps; 0: never
  std::function<void(size_t step, std::span<const float> latents)> show;
};

// Encode, sample and decode in this order, any number of times. The session,
// opened for editFunctions(shape), must outlive this object.
class Denoiser {
public:
  static Result<std::unique_ptr<Denoiser>> create(Session& session,
                                                  EditShape shape);

  // Before the first edit and whenever they change, where the shape has
  // adapters: those of a bank of that shape.
  Status setAdapters(const AdapterBank& bank);
  // `emptyText` is the encoding of "". Every image has the shape's extent.
  Status encode(std::span<const EditPlan> plans,
                const text::Encoding& emptyText, std::span<const Image> images);
  // Calls `afterStep` with the number of steps given to the device, which may
  // be kAhead behind; its error ends the loop.
  Status sample(std::span<const EditPlan> plans, std::span<LatentNoise> noise,
                const std::function<Status(size_t step)>& afterStep,
                const Preview& preview = {});
  Result<std::vector<Image>> decode();

  // How many steps the device may be behind the host.
  static constexpr size_t kAhead = 4;

private:
  // A function and the addresses of its tensors.
  struct Bound {
    const FunctionInfo* function = nullptr;
    std::vector<std::byte*> inputs, outputs;
  };

  // A tensor in the device's memory, which may be longer.
  struct Buffer {
    Memory memory;
    size_t bytes = 0;
  };

  Denoiser(Session& session, EditShape shape)
      : session_(session), shape_(std::move(shape)) {}

  Status checkShape() const;
  Status bindFunctions();
  Result<Bound> bind(std::string_view function, int parity = 0);
  Result<std::byte*> address(const TensorSpec& spec, int parity);
  Status enqueue(const Bound& bound);
  Status upload(const std::string& name, std::span<const std::byte> values);
  Status begin(std::span<const EditPlan> plans, std::span<LatentNoise> noise);
  Status uploadStep(std::span<const EditPlan> plans, size_t step,
                    std::span<LatentNoise> noise);
  Status showPreview(const Preview& preview, size_t done);

  Session& session_;
  EditShape shape_;
  std::map<std::string, Buffer, std::less<>> buffers_; // by tensor
  Bound text_, picture_, invariants_, adapters_;
  // Sample and history go back and forth between two buffers each, so that a
  // step never writes what it reads: after an even number of steps they lie in
  // the first.
  Bound step_[2], decode_[2];
  int parity_ = 0;
  std::vector<float> latents_, coefficients_; // of the host, to be uploaded
};

} // namespace burin::pipeline
