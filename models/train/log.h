// SPDX-License-Identifier: Apache-2.0
// What a training says of itself, for programs (JSON lines) and for people
// (TensorBoard).
#pragma once

#include <string>
#include <vector>

#include "formats/image/image.h"
#include "formats/tensorboard/event_file.h"
#include "models/pipeline/train_session.h"

namespace burin::train {

// Sums over the steps since the last row of the log. A state keeps them, so
// that a training that goes on logs what it would have.
struct Window {
  int64_t steps = 0;
  int64_t finite = 0; // of these; the sums are over them
  double loss = 0;
  double gradientNorm = 0;

  void add(const pipeline::TrainReport& report);
  double meanLoss() const { return finite ? loss / double(finite) : 0; }
  double meanGradientNorm() const {
    return finite ? gradientNorm / double(finite) : 0;
  }
};
// {"steps":3,...}; a text that is none gives an empty window.
std::string windowText(const Window& window);
Window windowFromText(const std::string& text);

struct LogRow {
  int64_t step = 0; // steps that are done
  Window window;
  double learningRate = 0;
  double examplesPerSecond = 0;
  double waitShare = 0; // of the time that the device waited for data
};

class TrainLog {
public:
  // Goes on with <folder>/log.jsonl, without what it has beyond `step`, and
  // begins an event file in <folder>/tensorboard.
  static Result<TrainLog> open(const std::string& folder, int64_t step);

  Status row(const LogRow& row);
  Status picture(int64_t step, const std::string& tag, const Image& image);

private:
  TrainLog(AppendFile lines, EventFile events)
      : lines_(std::move(lines)), events_(std::move(events)) {}

  AppendFile lines_;
  EventFile events_;
};

} // namespace burin::train
