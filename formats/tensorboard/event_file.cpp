// SPDX-License-Identifier: Apache-2.0
// Protobuf messages by hand: there are four of them.
#include "formats/tensorboard/event_file.h"

#include <cstring>

#include "formats/tensorboard/crc32c.h"

namespace burin {
namespace {

template <typename T>
std::string bytesOf(T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  return {bytes, sizeof value};
}

// The wire format: a varint of (field number << 3 | kind), then the value.
// A number that equals its default, 0, is left out unless it was set in a
// `oneof`.
class Message {
public:
  Message& real(int field, double value) {
    if (value != 0)
      tag(field, kEightBytes).bytes_ += bytesOf(value);
    return *this;
  }
  Message& chosenReal(int field, float value) {
    tag(field, kFourBytes).bytes_ += bytesOf(value);
    return *this;
  }
  Message& integer(int field, int64_t value) {
    if (value != 0)
      tag(field, kVarint).varint(static_cast<uint64_t>(value));
    return *this;
  }
  // A text or a message inside this one.
  Message& bytes(int field, std::string_view value) {
    tag(field, kLength).varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(int field, const Message& value) {
    return bytes(field, value.bytes_);
  }
  const std::string& text() const { return bytes_; }

private:
  enum Kind { kVarint = 0, kEightBytes = 1, kLength = 2, kFourBytes = 5 };

  Message& tag(int field, Kind kind) {
    varint(static_cast<uint64_t>(field) << 3 | kind);
    return *this;
  }
  // Seven bits a byte, lowest first; the high bit says that more follow.
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

Message event(double time, int64_t step) {
  return Message().real(1, time).integer(2, step);
}

} // namespace

Result<EventFile> EventFile::create(const std::string& path, double time,
                                    int64_t firstStep) {
  constexpr int kStart = 1; // of SessionLog
  BURIN_ASSIGN(AppendFile appended, AppendFile::open(path));
  EventFile file(std::move(appended));
  BURIN_TRY(file.write(event(time, 0).bytes(3, "brain.Event:2").text()));
  Message session = Message().integer(1, kStart);
  BURIN_TRY(file.write(event(time, firstStep).message(7, session).text()));
  return file;
}

Status EventFile::scalars(double time, int64_t step,
                          std::span<const EventScalar> rows) {
  Message summary;
  for (const EventScalar& row : rows)
    summary.message(1, Message().bytes(1, row.tag).chosenReal(2, row.value));
  return write(event(time, step).message(5, summary).text());
}

Status EventFile::picture(double time, int64_t step, std::string_view tag,
                          int width, int height,
                          std::span<const std::byte> png) {
  constexpr int kRgb = 3;
  std::string_view file(reinterpret_cast<const char*>(png.data()), png.size());
  Message image =
      Message().integer(1, height).integer(2, width).integer(3, kRgb).bytes(
          4, file);
  Message summary =
      Message().message(1, Message().bytes(1, tag).message(4, image));
  return write(event(time, step).message(5, summary).text());
}

Status EventFile::write(const std::string& event) {
  std::string length = bytesOf(static_cast<uint64_t>(event.size()));
  return file_.append(length + bytesOf(maskedCrc32c(length)) + event +
                      bytesOf(maskedCrc32c(event)));
}

} // namespace burin
