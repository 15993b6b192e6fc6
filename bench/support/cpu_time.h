// SPDX-License-Identifier: Apache-2.0
// The clock of work done rather than of time passed: timings stay comparable
// on a machine that other programs use too.
#pragma once

#include <ctime>

namespace burin::bench {

// Processor time of the calling thread so far.
inline double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

} // namespace burin::bench
