// SPDX-License-Identifier: Apache-2.0
// Rows as JSON and as scalars.
#include "models/train/log.h"

#include <array>
#include <chrono>
#include <filesystem>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "formats/file/atomic_file.h"
#include "formats/file/mapped_file.h"

namespace burin::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

double now() {
  return std::chrono::duration<double>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Of a line of the log; beyond every step where it has none, as the last one
// of a process that was killed.
int64_t stepOf(std::string_view line) {
  json row = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!row.is_object() || !row["step"].is_number_integer())
    return std::numeric_limits<int64_t>::max();
  return row["step"].get<int64_t>();
}

// Keeps the lines up to `step`.
Status cutLines(const std::string& path, int64_t step) {
  std::error_code error;
  if (!fs::exists(path, error))
    return okStatus();
  constexpr size_t kMostBytes = size_t{1} << 32;
  BURIN_ASSIGN(std::string text, readTextFile(path, kMostBytes));
  std::string kept;
  for (size_t begin = 0, end; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    if (stepOf(line) <= step)
      kept += std::string(line) + "\n";
  }
  if (kept == text)
    return okStatus();
  return writeFileAtomically(path, std::as_bytes(std::span(kept)));
}

// Unlike any that is there: a training may begin anew within a second.
std::string eventPath(const std::string& folder, double time) {
  std::array<char, 64> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::string name = folder + "/events.out.tfevents." +
                     std::to_string(static_cast<int64_t>(time)) + "." +
                     host.data() + ".";
  std::error_code error;
  for (int64_t i = ::getpid();; ++i)
    if (std::string path = name + std::to_string(i); !fs::exists(path, error))
      return path;
}

} // namespace

void Window::add(const pipeline::TrainReport& report) {
  ++steps;
  if (!report.finite)
    return;
  ++finite;
  loss += report.loss;
  gradientNorm += report.gradientNorm;
}

std::string windowText(const Window& window) {
  return json{{"steps", window.steps},
              {"finite", window.finite},
              {"loss", window.loss},
              {"gradient_norm", window.gradientNorm}}
      .dump();
}

Window windowFromText(const std::string& text) {
  json saved = json::parse(text, nullptr, /*allow_exceptions=*/false);
  Window window;
  if (!saved.is_object())
    return window;
  auto number = [&](const char* key) {
    auto found = saved.find(key);
    return found != saved.end() && found->is_number() ? found->get<double>()
                                                      : 0.0;
  };
  window.steps = static_cast<int64_t>(number("steps"));
  window.finite = static_cast<int64_t>(number("finite"));
  window.loss = number("loss");
  window.gradientNorm = number("gradient_norm");
  return window;
}

Result<TrainLog> TrainLog::open(const std::string& folder, int64_t step) {
  std::string path = folder + "/log.jsonl", board = folder + "/tensorboard";
  std::error_code error;
  fs::create_directories(board, error);
  if (error)
    return unavailable("cannot make the folder '" + board +
                       "': " + error.message());
  BURIN_TRY(cutLines(path, step));
  BURIN_ASSIGN(AppendFile lines, AppendFile::open(path));
  double time = now();
  BURIN_ASSIGN(EventFile events,
               EventFile::create(eventPath(board, time), time, step + 1));
  return TrainLog(std::move(lines), std::move(events));
}

Status TrainLog::row(const LogRow& row) {
  json line = {{"step", row.step},
               {"loss", row.window.meanLoss()},
               {"gradient_norm", row.window.meanGradientNorm()},
               {"learning_rate", row.learningRate},
               {"examples_per_second", row.examplesPerSecond},
               {"wait_share", row.waitShare},
               {"not_finite", row.window.steps - row.window.finite}};
  BURIN_TRY(lines_.append(line.dump() + "\n"));
  const std::array<EventScalar, 5> scalars = {{
      {"loss", static_cast<float>(row.window.meanLoss())},
      {"gradient_norm", static_cast<float>(row.window.meanGradientNorm())},
      {"learning_rate", static_cast<float>(row.learningRate)},
      {"speed/examples_per_second", static_cast<float>(row.examplesPerSecond)},
      {"speed/wait_share", static_cast<float>(row.waitShare)},
  }};
  return events_.scalars(now(), row.step, scalars);
}

Status TrainLog::picture(int64_t step, const std::string& tag,
                         const Image& image) {
  BURIN_ASSIGN(std::vector<std::byte> png, encodePng(image));
  return events_.picture(now(), step, tag, image.width, image.height, png);
}

} // namespace burin::train
