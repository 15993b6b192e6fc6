// SPDX-License-Identifier: Apache-2.0
// Event files equal TensorBoard's own to the byte (golden/make_events.py).
#include "formats/tensorboard/event_file.h"

#include "formats/tensorboard/crc32c.h"
#include "tests/formats/temporary_folder.h"

#include <array>

namespace burin {
namespace {

TEST(Crc32c, has_the_values_of_rfc_3720) {
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) {
    ascending += static_cast<char>(i);
    descending += static_cast<char>(31 - i);
  }
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  EXPECT_EQ(crc32c(ascending), 0x46DD794Eu);
  EXPECT_EQ(crc32c(descending), 0x113FDB5Cu);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(""), 0u);
}

TEST(EventFile, equals_what_tensorboard_writes) {
  TemporaryFolder folder;
  std::string path = folder / "a.tfevents";
  Result<EventFile> file = EventFile::create(path, 1000.5, 7);
  ASSERT_TRUE(file.ok()) << file.status().message();
  const std::array<EventScalar, 2> first = {EventScalar{"loss", 0.75f},
                                            EventScalar{"train/rate", 0.0f}};
  EXPECT_TRUE(file->scalars(1001.25, 0, first).ok());
  const std::array<EventScalar, 1> second = {EventScalar{"loss", -1e-7f}};
  EXPECT_TRUE(file->scalars(1002, 123456789012, second).ok());
  std::vector<std::byte> png(200);
  for (size_t i = 0; i < png.size(); ++i)
    png[i] = static_cast<std::byte>(i);
  EXPECT_TRUE(file->picture(1003, 300, "samples", 300, 2, png).ok());
  // Readable while it is still open.
  EXPECT_EQ(readText(path), readText("tests/formats/golden/events.tfevents"));
}

TEST(EventFile, a_place_that_is_no_file_is_named) {
  TemporaryFolder folder;
  Result<EventFile> file = EventFile::create(folder.path(), 0, 0);
  ASSERT_FALSE(file.ok());
  EXPECT_NE(file.status().message().find(folder.path()), std::string::npos);
  Result<EventFile> full = EventFile::create("/dev/full", 0, 0);
  ASSERT_FALSE(full.ok());
  EXPECT_NE(full.status().message().find("/dev/full"), std::string::npos);
}

} // namespace
} // namespace burin
