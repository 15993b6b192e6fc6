// SPDX-License-Identifier: Apache-2.0
// Shows on standard error how far a long command is: a bar that redraws itself
// on a terminal, plain lines elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace burin::cli {

// "[=====-----] 5/10".
std::string progressBar(size_t done, size_t total, size_t width);

// "[=====-----] 5/10, 0.41 s each, 2.1 s left"; without the times before the
// first is done. `seconds` have passed for `done` of `total`.
std::string progressText(size_t done, size_t total, double seconds,
                         size_t width);

class Progress {
public:
  // `terminal` decides between bar and lines; quiet shows nothing.
  enum class Style { kQuiet, kLines, kBar };
  // Bar when standard error is a terminal.
  static Style detect(bool quiet);

  explicit Progress(Style style) : style_(style) {}
  ~Progress() { endLine(); }

  // A part of the work whose length is unknown.
  void stage(const std::string& what);
  // `done` of `total` steps of `what`; 0 starts the clock.
  void step(const std::string& what, size_t done, size_t total);
  // Anything, in place of what was shown.
  void text(const std::string& what) { show(what); }
  // Leaves what was shown behind.
  void endLine();

private:
  using Clock = std::chrono::steady_clock;

  void show(const std::string& text);

  Style style_;
  bool open_ = false; // a bar without its line feed is on the screen
  Clock::time_point start_ = Clock::now();
};

} // namespace burin::cli
