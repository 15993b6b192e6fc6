// SPDX-License-Identifier: Apache-2.0
// Writes the event files that TensorBoard shows: curves and pictures.
//
// A file is a sequence of TFRecords: u64 length, masked CRC-32C of the length,
// the data, masked CRC-32C of the data, all little-endian. The data is a
// protobuf message `Event`: wall time (1), step (2), and one of a version
// text (3), a summary (5) and a session's beginning (7). A summary holds
// values, each a tag (1) with a number (2) or a picture (4).
#pragma once

#include "formats/file/append_file.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace burin {

struct EventScalar {
  std::string_view tag; // "loss"; what comes before a '/' groups curves
  float value;
};

class EventFile {
public:
  // A new file; its name must hold "tfevents" to be found. Curves of earlier
  // files in the folder end where this one begins, at `firstStep`. Times are
  // seconds since 1970.
  static Result<EventFile> create(const std::string& path, double time,
                                  int64_t firstStep);

  Status scalars(double time, int64_t step, std::span<const EventScalar> rows);
  // `png` is a whole file.
  Status picture(double time, int64_t step, std::string_view tag, int width,
                 int height, std::span<const std::byte> png);

private:
  explicit EventFile(AppendFile file) : file_(std::move(file)) {}
  Status write(const std::string& event);

  AppendFile file_;
};

} // namespace burin
