// SPDX-License-Identifier: Apache-2.0
// Mapping, atomic replacement, growth and hashing, with the failures users
// meet.
#include "formats/file/append_file.h"
#include "formats/file/atomic_file.h"
#include "formats/file/file_error.h"
#include "formats/file/mapped_file.h"
#include "formats/file/sha256.h"
#include "tests/formats/temporary_folder.h"

#include <csignal>
#include <cstring>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace burin {
namespace {

using Names = std::vector<std::string>;

std::span<const std::byte> bytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(MappedFile, shows_the_bytes_and_survives_a_move) {
  TemporaryFolder folder;
  writeText(folder / "a", "hello");
  Result<MappedFile> file = MappedFile::open(folder / "a");
  ASSERT_TRUE(file.ok()) << file.status().message();
  const std::byte* before = file->bytes().data();
  MappedFile moved = *std::move(file);
  EXPECT_EQ(moved.bytes().data(), before);
  EXPECT_EQ(std::memcmp(moved.bytes().data(), "hello", 5), 0);
  moved.prefetch(moved.bytes());
  moved.release(moved.bytes());
  EXPECT_EQ(moved.bytes().size(), 5u);
}

TEST(MappedFile, an_empty_file_is_an_empty_range) {
  TemporaryFolder folder;
  writeText(folder / "a", "");
  Result<MappedFile> file = MappedFile::open(folder / "a");
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->bytes().empty());
}

TEST(MappedFile, names_what_cannot_be_read) {
  TemporaryFolder folder;
  Result<MappedFile> missing = MappedFile::open(folder / "none");
  EXPECT_EQ(missing.status().code(), Code::kNotFound);
  EXPECT_NE(missing.status().message().find("none"), std::string::npos);
  EXPECT_EQ(MappedFile::open(folder.path()).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(MappedFile::open("/dev/zero").status().code(),
            Code::kInvalidArgument);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(MappedFile::open(folder / "pipe").status().code(),
            Code::kInvalidArgument); // and does not wait for a writer
}

TEST(AtomicFile, appears_at_commit_and_replaces) {
  TemporaryFolder folder;
  writeText(folder / "out", "old");
  Result<AtomicFile> file = AtomicFile::create(folder / "out");
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_TRUE(file->write("ab").ok());
  ASSERT_TRUE(file->padTo(4).ok());
  ASSERT_TRUE(file->write("c").ok());
  ASSERT_TRUE(file->writeAt(1, bytesOf("X")).ok());
  EXPECT_EQ(readText(folder / "out"), "old");
  ASSERT_TRUE(file->commit(AtomicFile::Sync::kYes).ok());
  EXPECT_EQ(readText(folder / "out"), std::string("aX\0\0c", 5));
  EXPECT_EQ(folder.names(), Names{"out"});
}

TEST(AtomicFile, leaves_nothing_without_commit) {
  TemporaryFolder folder;
  {
    Result<AtomicFile> file = AtomicFile::create(folder / "out");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write("half").ok());
  }
  EXPECT_EQ(folder.names(), Names{});
}

TEST(AtomicFile, obeys_the_mode_mask) {
  TemporaryFolder folder;
  mode_t mask = ::umask(027);
  Status written = writeFileAtomically(folder / "out", bytesOf("x"));
  ::umask(mask);
  ASSERT_TRUE(written.ok()) << written.message();
  struct stat info;
  ASSERT_EQ(::stat((folder / "out").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST(AtomicFile, refuses_targets_that_are_no_files) {
  TemporaryFolder folder;
  EXPECT_EQ(AtomicFile::create(folder.path()).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(AtomicFile::create("/dev/full").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(AtomicFile::create("").status().code(), Code::kInvalidArgument);
  Status missing = AtomicFile::create(folder / "no/such/out").status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  writeText(folder / "plain", "");
  EXPECT_EQ(AtomicFile::create(folder / "plain/out").status().code(),
            Code::kNotFound);
}

TEST(AtomicFile, reports_a_disk_that_is_too_small) {
  TemporaryFolder folder;
  Result<AtomicFile> file = AtomicFile::create(folder / "out");
  ASSERT_TRUE(file.ok());
  Status status = file->reserve(uint64_t{1} << 60);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("left"), std::string::npos);
}

TEST(AtomicFile, reports_a_write_beyond_the_limit) {
  TemporaryFolder folder;
  struct rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = {4096, before.rlim_max};
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Status status =
      writeFileAtomically(folder / "out", bytesOf(std::string(8192, 'x')));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("out"), std::string::npos);
  EXPECT_EQ(folder.names(), Names{});
}

TEST(AppendFile, writes_later_what_it_could_not) {
  TemporaryFolder folder;
  Result<AppendFile> file = AppendFile::open(folder / "log");
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_TRUE(file->append("12345").ok());
  std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before;
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit small = {8, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  Status first = file->append("6789ab"), second = file->append("cd");
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_NE(first.message().find(folder / "log"), std::string::npos);
  EXPECT_FALSE(second.ok());
  EXPECT_EQ(readText(folder / "log"), "12345678");
  EXPECT_TRUE(file->append("e").ok());
  EXPECT_EQ(readText(folder / "log"), "123456789abcde");
}

TEST(Sha256, equals_the_published_values) {
  EXPECT_EQ(sha256Hex({}), "e3b0c44298fc1c149afbf4c8996fb924"
                           "27ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256Hex(bytesOf("abc")), "ba7816bf8f01cfea414140de5dae2223"
                                       "b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256Hex(bytesOf(std::string(1000000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67"
            "f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, does_not_depend_on_pieces_or_instructions) {
  std::string text(1000, ' ');
  for (size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>(i * 37);
  std::string whole = sha256Hex(bytesOf(text));
  Sha256 plain(Sha256::Path::kPlain);
  plain.update(bytesOf(text));
  EXPECT_EQ(plain.hex(), whole);
  for (size_t piece : {1u, 7u, 55u, 63u, 64u, 65u, 119u, 128u}) {
    Sha256 hash;
    for (size_t at = 0; at < text.size(); at += piece)
      hash.update(bytesOf(text.substr(at, piece)));
    EXPECT_EQ(hash.hex(), whole) << piece;
  }
}

TEST(HumanBytes, rounds_to_one_decimal) {
  EXPECT_EQ(humanBytes(0), "0 bytes");
  EXPECT_EQ(humanBytes(999), "999 bytes");
  EXPECT_EQ(humanBytes(1500), "1.5 kB");
  EXPECT_EQ(humanBytes(999'960'000), "1.0 GB");
  EXPECT_EQ(humanBytes(3'438'000'000), "3.4 GB");
}

} // namespace
} // namespace burin
