// SPDX-License-Identifier: Apache-2.0
// Passes everything on.
#include "models/train/session_learner.h"

namespace burin::train {
namespace {

using pipeline::TrainSession;

class SessionLearner : public Learner {
public:
  explicit SessionLearner(std::unique_ptr<TrainSession> session)
      : session_(std::move(session)) {}

  Status step(const pipeline::TrainBatch& batch,
              const schedule::HyperParameters& hyper,
              pipeline::TrainReport& report) override {
    return session_->step(batch, hyper, &report);
  }
  Status saveState(const std::string& path, const Metadata& metadata) override {
    return session_->saveState(path, metadata);
  }
  Result<Metadata> restoreState(const std::string& path) override {
    return session_->restoreState(path);
  }
  Result<pipeline::TrainedTensors> average() override {
    return session_->exportTensors(TrainSession::Weights::kAverage);
  }

private:
  std::unique_ptr<TrainSession> session_;
};

} // namespace

Result<std::unique_ptr<Learner>>
openLearner(Checkpoint model, const pipeline::TrainOptions& options,
            std::shared_ptr<Device> device,
            std::shared_ptr<Collective> collective) {
  BURIN_ASSIGN(std::unique_ptr<TrainSession> session,
               TrainSession::open(std::move(model), options, std::move(device),
                                  std::move(collective)));
  return std::unique_ptr<Learner>(new SessionLearner(std::move(session)));
}

} // namespace burin::train
