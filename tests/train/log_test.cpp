// SPDX-License-Identifier: Apache-2.0
// Rows of the log, and what remains of it when a training goes on.
#include "models/train/log.h"

#include <nlohmann/json.hpp>

#include "tests/formats/temporary_folder.h"

namespace burin::train {
namespace {

LogRow rowOf(int64_t step, double loss) {
  LogRow row;
  row.step = step;
  row.window.add({loss, 2, true});
  row.window.add({loss + 1, 4, true});
  row.window.add({0, 0, false});
  return row;
}

TEST(TrainLog, goes_on_without_rows_beyond_the_step) {
  TemporaryFolder folder;
  std::string path = folder / "log.jsonl", start;
  {
    Result<TrainLog> log = TrainLog::open(folder.path(), 0);
    ASSERT_TRUE(log.ok()) << log.status().message();
    ASSERT_TRUE(log->row(rowOf(10, 0.5)).ok());
    ASSERT_TRUE(log->row(rowOf(20, 0.25)).ok());
    start = readText(path);
    ASSERT_TRUE(log->row(rowOf(30, 0.125)).ok());
  }
  auto first =
      nlohmann::json::parse(start.substr(0, start.find('\n')), nullptr, false);
  EXPECT_EQ(first["step"], 10);
  EXPECT_EQ(first["loss"], 1.0);
  EXPECT_EQ(first["gradient_norm"], 3.0);
  EXPECT_EQ(first["not_finite"], 1);
  writeText(path, readText(path) + "{\"step\":35,\"lo"); // killed here
  Result<TrainLog> log = TrainLog::open(folder.path(), 20);
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(readText(path), start);
  ASSERT_TRUE(log->picture(20, "samples", Image(4, 4)).ok());
  // An event file for each beginning.
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder / "tensorboard")) {
    ++files;
    EXPECT_GT(entry.file_size(), 80u);
  }
  EXPECT_EQ(files, 2);
}

TEST(Window, is_the_same_after_it_was_kept_as_text) {
  Window window;
  window.add({1.0 / 3, 0.1, true});
  window.add({2.0 / 7, 1e-30, true});
  window.add({0, 0, false});
  Window again = windowFromText(windowText(window));
  EXPECT_EQ(again.steps, 3);
  EXPECT_EQ(again.finite, 2);
  EXPECT_EQ(again.loss, window.loss);
  EXPECT_EQ(again.gradientNorm, window.gradientNorm);
  EXPECT_EQ(windowFromText("nonsense").steps, 0);
  EXPECT_EQ(windowFromText("{\"steps\":\"x\"}").steps, 0);
}

} // namespace
} // namespace burin::train
