// SPDX-License-Identifier: Apache-2.0
// Drawing of progress.
#include "tools/burin/progress.h"

#include <cstdio>

#include <unistd.h>

#include "tools/burin/cli.h"

namespace burin::cli {

std::string progressBar(size_t done, size_t total, size_t width) {
  size_t filled = total ? done * width / total : 0;
  return "[" + std::string(filled, '=') + std::string(width - filled, '-') +
         "] " + std::to_string(done) + "/" + std::to_string(total);
}

std::string progressText(size_t done, size_t total, double seconds,
                         size_t width) {
  std::string text = progressBar(done, total, width);
  if (done == 0)
    return text;
  double each = seconds / static_cast<double>(done);
  text += ", " + formatSeconds(each) + " each";
  if (done < total)
    text += ", " + formatSeconds(each * static_cast<double>(total - done)) +
            " left";
  return text;
}

Progress::Style Progress::detect(bool quiet) {
  if (quiet)
    return Style::kQuiet;
  return isatty(STDERR_FILENO) ? Style::kBar : Style::kLines;
}

void Progress::stage(const std::string& what) {
  endLine();
  show(what);
}

void Progress::step(const std::string& what, size_t done, size_t total) {
  constexpr size_t kWidth = 24;
  if (done == 0) {
    start_ = Clock::now();
    if (style_ == Style::kLines)
      return;
  }
  double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  show(what + " " + progressText(done, total, seconds, kWidth));
}

void Progress::show(const std::string& text) {
  if (style_ == Style::kLines)
    std::fprintf(stderr, "%s\n", text.c_str());
  if (style_ == Style::kBar) {
    // Return to the line's start and clear to its end.
    std::fprintf(stderr, "\r%s\033[K", text.c_str());
    std::fflush(stderr);
    open_ = true;
  }
}

void Progress::endLine() {
  if (open_)
    std::fputc('\n', stderr);
  open_ = false;
}

} // namespace burin::cli
