// SPDX-License-Identifier: Apache-2.0
// Step, log, save, in that order.
#include "models/train/loop.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "models/train/fields.h"
#include "models/train/prefetch.h"
#include "models/train/schedule.h"

namespace burin::train {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Loop {
public:
  Loop(const LoopParts& parts, const TrainEvents& events)
      : parts_(parts), config_(parts.config), events_(events),
        first_(parts.group.isFirst()) {}

  Result<TrainSummary> run() {
    BURIN_TRY(begin());
    Status status = steps();
    if (!status.ok() && !stopped_)
      return parts_.group.endAll(status);
    BURIN_TRY(status);
    return summary_;
  }

private:
  Status begin() {
    StatePoint point;
    BURIN_TRY(restore(point));
    summary_.first = summary_.last = saved_ = point.step;
    row_ = summary_;
    window_ = windowFromText(point.remarks);
    if (point.step > 0)
      note("going on from step " + std::to_string(point.step));
    return parts_.group.agree(first_ ? openLog() : okStatus());
  }

  // All processes restore the state that the first one found.
  Status restore(StatePoint& point) {
    auto restored = [&](Result<StatePoint> result) {
      if (result.ok())
        point = *result;
      return result.status();
    };
    Status own;
    if (first_)
      own = restored(parts_.states.restore(parts_.learner,
                                           [&](auto& text) { note(text); }));
    BURIN_TRY(parts_.group.agree(own));
    BURIN_TRY(parts_.group.broadcast(
        std::as_writable_bytes(std::span(&point.step, 1)), 0));
    if (!first_ && point.step > 0)
      own = restored(parts_.states.restore(parts_.learner, point.step));
    return parts_.group.agree(own);
  }

  Status openLog() {
    BURIN_ASSIGN(TrainLog log, TrainLog::open(config_.output, summary_.first));
    log_ = std::move(log);
    return okStatus();
  }

  Status steps() {
    if (summary_.last >= config_.steps) {
      note("step " + std::to_string(summary_.last) + " of " +
           std::to_string(config_.steps) +
           " is done already; more 'steps' go on from there");
      return first_ ? written(parts_.publish) : okStatus();
    }
    Prefetch batches(parts_.batcher, summary_.first, config_.steps);
    while (summary_.last < config_.steps) {
      BURIN_ASSIGN(stopped_, parts_.group.any(events_.stopped()));
      if (stopped_)
        return stop();
      Clock::time_point start = Clock::now();
      BURIN_TRY(step(batches));
      summary_.seconds += since(start);
      summary_.waited = batches.waited();
      if (first_)
        BURIN_TRY(afterStep());
    }
    return okStatus();
  }

  Status step(Prefetch& batches) {
    schedule::HyperParameters hyper = hyperParametersAt(config_, summary_.last);
    pipeline::TrainReport report;
    BURIN_TRY(parts_.learner.step(batches.next().view(), hyper, report)
                  .within("step " + std::to_string(summary_.last)));
    ++summary_.last;
    window_.add(report);
    summary_.notFinite += report.finite ? 0 : 1;
    failing_ = report.finite ? 0 : failing_ + 1;
    if (report.finite) {
      constexpr double kMemory = 0.95;
      loss_ =
          loss_ ? kMemory * *loss_ + (1 - kMemory) * report.loss : report.loss;
    }
    if (failing_ < kMostFailing || !first_)
      return okStatus();
    return invalidArgument(
        "the gradient was not finite in " + std::to_string(failing_) +
        " steps in a row, the last of them step " +
        std::to_string(summary_.last) + "; lower 'learning_rate.peak' (" +
        shown(config_.rate.peak) + ") or compute in f32. The state of step " +
        std::to_string(saved_) + " is kept");
  }

  bool isEvery(int64_t steps) const {
    return summary_.last % steps == 0 || summary_.last == config_.steps;
  }

  Status afterStep() {
    report();
    if (isEvery(config_.logEvery))
      writeRow();
    if (isEvery(config_.checkpoint.every))
      BURIN_TRY(save());
    if (parts_.sample && isEvery(config_.samples.every))
      BURIN_TRY(sample());
    return okStatus();
  }

  Status stop() {
    if (first_ && summary_.last > saved_)
      BURIN_TRY(save());
    return Status(Code::kCancelled,
                  "stopped as asked after step " +
                      std::to_string(summary_.last) + " of " +
                      std::to_string(config_.steps) +
                      (summary_.last > 0 ? ", which is saved" : "") +
                      "; the same command goes on from there");
  }

  // Tries again as long as `events` says so: a full disk can be helped.
  Status written(const std::function<Status()>& write) {
    for (;;) {
      Status status = write();
      if (status.ok() || !events_.retry || !events_.retry(status))
        return status;
    }
  }

  Status save() {
    StatePoint point = {summary_.last, windowText(window_)};
    stage("saving step " + std::to_string(point.step));
    BURIN_TRY(
        written([&] { return parts_.states.save(parts_.learner, point); }));
    saved_ = point.step;
    return written(parts_.publish);
  }

  Status sample() {
    stage("drawing samples");
    if (saved_ != summary_.last) // they show the published model
      BURIN_TRY(written(parts_.publish));
    BURIN_ASSIGN(Image sheet, parts_.sample());
    std::string path = config_.output + "/samples/step-" +
                       std::to_string(summary_.last) + ".png";
    BURIN_TRY(written([&] { return writePng(path, sheet); }));
    tell(log_->picture(summary_.last, "samples", sheet));
    return okStatus();
  }

  void report() {
    if (!events_.progress)
      return;
    auto each =
        summary_.seconds / static_cast<double>(summary_.last - summary_.first);
    events_.progress(
        {summary_.last, config_.steps, loss_.value_or(0),
         static_cast<double>(config_.batch) / std::max(each, 1e-9),
         each * static_cast<double>(config_.steps - summary_.last)});
  }

  // Speed and waiting are of the steps alone: saving is not training.
  void writeRow() {
    double seconds = std::max(summary_.seconds - row_.seconds, 1e-9);
    auto examples =
        static_cast<double>((summary_.last - row_.last) * config_.batch);
    tell(log_->row({summary_.last, window_,
                    rateAt(config_.rate, config_.steps, summary_.last - 1),
                    examples / seconds,
                    (summary_.waited - row_.waited) / seconds}));
    window_ = {};
    row_ = summary_;
  }

  // A log that cannot be written is no reason to end; said once until it can.
  void tell(const Status& status) {
    if (!std::exchange(told_, !status.ok()) && !status.ok())
      note(status.message() + "; the training goes on, and logs it later");
  }
  void note(const std::string& text) const {
    if (events_.note)
      events_.note(text);
  }
  void stage(const std::string& text) const {
    if (events_.stage)
      events_.stage(text);
  }

  static constexpr int kMostFailing = 50;

  const LoopParts& parts_;
  const TrainConfig& config_;
  const TrainEvents& events_;
  const bool first_; // of the group
  TrainSummary summary_;
  bool stopped_ = false;
  std::optional<TrainLog> log_;
  Window window_;
  std::optional<double> loss_;
  int64_t saved_ = 0; // the step of the newest state
  int failing_ = 0;   // steps without an update, up to now
  TrainSummary row_;  // at the latest row of the log
  bool told_ = false; // that the log cannot be written
};

} // namespace

Result<TrainSummary> runLoop(const LoopParts& parts,
                             const TrainEvents& events) {
  return Loop(parts, events).run();
}

} // namespace burin::train
