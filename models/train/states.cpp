// SPDX-License-Identifier: Apache-2.0
// Names, order and age of state files.
#include "models/train/states.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "formats/checkpoint/checkpoint.h"

namespace burin::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "state-", kSuffix = ".burin";
constexpr const char *kStep = "train.step", *kRun = "train.run",
                     *kRemarks = "train.remarks";

std::optional<int64_t> parseStep(std::string_view text) {
  int64_t step = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), step);
  if (error != std::errc() || end != text.data() + text.size() || step < 1)
    return {};
  return step;
}

std::optional<int64_t> stepOfName(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
      name.size() <= kPrefix.size() + kSuffix.size())
    return {};
  return parseStep(std::string_view(name).substr(
      kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
}

} // namespace

std::string States::path(int64_t step) const {
  char name[48];
  std::snprintf(name, sizeof name, "/state-%010lld.burin",
                static_cast<long long>(step));
  return folder_ + name;
}

std::vector<int64_t> States::steps() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (fs::directory_iterator entry(folder_, error), end;
       !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    // A name that this class did not write, "state-7.burin", is another file.
    if (auto step = stepOfName(name);
        step && fs::path(path(*step)).filename() == name)
      steps.push_back(*step);
  }
  std::ranges::sort(steps, std::greater());
  return steps;
}

Status States::checkRun(const std::string& path) const {
  BURIN_ASSIGN(Checkpoint state, Checkpoint::open(path));
  std::optional<std::string_view> run = state.metadata(kRun);
  if (!run || !state.metadata(kStep))
    return dataLoss("'" + path + "' is no state of a training");
  if (*run != run_)
    return invalidArgument("'" + path +
                           "' is the state of a training that began from "
                           "another model or trains another adapter");
  return okStatus();
}

Result<StatePoint>
States::restore(Learner& learner,
                const std::function<void(const std::string&)>& note) const {
  for (int64_t step : steps()) {
    Result<StatePoint> point = restore(learner, step);
    if (point.ok())
      return point;
    note(point.status().message() + "; this state is passed over");
  }
  return StatePoint{};
}

Result<StatePoint> States::restore(Learner& learner, int64_t step) const {
  std::string file = path(step);
  BURIN_TRY(checkRun(file));
  BURIN_ASSIGN(Learner::Metadata metadata, learner.restoreState(file));
  if (parseStep(metadata[kStep]) != step)
    return dataLoss("'" + file + "' says that it is of step " +
                    metadata[kStep]);
  return StatePoint{step, metadata[kRemarks]};
}

Status States::save(Learner& learner, const StatePoint& point) const {
  BURIN_TRY(
      learner.saveState(path(point.step), {{kStep, std::to_string(point.step)},
                                           {kRun, run_},
                                           {kRemarks, point.remarks}}));
  int kept = 0;
  for (int64_t step : steps()) {
    std::error_code ignored; // a file that stays takes room and no more
    if (step <= point.step && checkRun(path(step)).ok() && ++kept > keep_)
      fs::remove(path(step), ignored);
  }
  return okStatus();
}

} // namespace burin::train
