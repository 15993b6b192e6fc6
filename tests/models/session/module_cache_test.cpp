// SPDX-License-Identifier: Apache-2.0
// Modules are compiled once and found again, whatever happens to the cache.
#include "models/pipeline/module_cache.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "formats/file/atomic_file.h"
#include "models/pipeline/compiler_library.h"
#include "tests/formats/sample_module.h"

namespace burin {
namespace {

namespace fs = std::filesystem;

class ModuleCacheTest : public testing::Test {
protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("burin_module_cache_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    options_.cacheFolder = folder_ / "cache";
    setenv("BURIN_COMPILER", BURIN_FAKE_COMPILER, 1);
    setenv("FAKE_COMPILER_LOG", (folder_ / "log").c_str(), 1);
    setenv("FAKE_COMPILER_MODULE", (folder_ / "module").c_str(), 1);
    sample_ = module::writeUnchecked(module::sampleModule());
    answerWith(sample_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void answerWith(std::span<const std::byte> bytes) {
    ASSERT_TRUE(writeFileAtomically(folder_ / "module", bytes).ok());
  }

  long calls() {
    std::ifstream log(folder_ / "log");
    return std::count(std::istreambuf_iterator<char>(log), {}, '\n');
  }

  void expectSample(const std::string& request) {
    auto module = cachedModule(request, options_);
    ASSERT_TRUE(module.ok()) << module.status().message();
    EXPECT_TRUE(std::ranges::equal(module->bytes(), sample_));
  }

  std::vector<fs::path> cached() {
    return {fs::directory_iterator(options_.cacheFolder), {}};
  }

  fs::path folder_;
  ModuleCacheOptions options_;
  std::vector<std::byte> sample_;
};

TEST_F(ModuleCacheTest, CompilesOnce) {
  int told = 0;
  options_.onCompile = [&] { ++told; };
  expectSample("one");
  expectSample("one");
  EXPECT_EQ(calls(), 1);
  EXPECT_EQ(told, 1);
  expectSample("two");
  EXPECT_EQ(calls(), 2);
  EXPECT_EQ(cached().size(), 2u);
}

TEST_F(ModuleCacheTest, DamageIsCompiledAgain) {
  expectSample("one");
  fs::path file = cached().front();
  fs::resize_file(file, fs::file_size(file) / 2);
  expectSample("one");
  EXPECT_EQ(calls(), 2);
  EXPECT_EQ(fs::file_size(file), sample_.size());
  fs::resize_file(file, 0);
  expectSample("one");
  EXPECT_EQ(calls(), 3);
}

TEST_F(ModuleCacheTest, NeedsNoCache) {
  options_.cacheFolder.clear();
  expectSample("one");
  expectSample("one");
  EXPECT_EQ(calls(), 2);
  // A folder that cannot be made.
  ASSERT_TRUE(writeFileAtomically(folder_ / "file", sample_).ok());
  options_.cacheFolder = folder_ / "file" / "cache";
  expectSample("one");
  EXPECT_EQ(calls(), 3);
}

TEST_F(ModuleCacheTest, RefusalIsToldAndNotKept) {
  auto refused = cachedModule("refuse this", options_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().message(), "unet.conv_in: refused");
  EXPECT_FALSE(fs::exists(options_.cacheFolder));
}

TEST_F(ModuleCacheTest, BadModuleIsTheCompilersFault) {
  std::vector<std::byte> garbage(100);
  answerWith(garbage);
  auto module = cachedModule("one", options_);
  ASSERT_FALSE(module.ok());
  EXPECT_EQ(module.status().code(), Code::kInternal);
  EXPECT_FALSE(fs::exists(options_.cacheFolder));
}

TEST_F(ModuleCacheTest, MissingCompilerIsNamed) {
  setenv("BURIN_COMPILER", "/nowhere/libburin-compiler.so", 1);
  auto given = findCompilerLibrary();
  ASSERT_FALSE(given.ok());
  EXPECT_NE(given.status().message().find("/nowhere"), std::string::npos);
  unsetenv("BURIN_COMPILER");
  auto absent = findCompilerLibrary();
  ASSERT_FALSE(absent.ok());
  for (const char* part :
       {"libburin-compiler.so", "/lib", "$BURIN_COMPILER", "libmlir-22-dev"})
    EXPECT_NE(absent.status().message().find(part), std::string::npos)
        << absent.status().message();
}

TEST_F(ModuleCacheTest, ForeignLibraryIsNamed) {
  auto none = compileWith((folder_ / "module").string(), "one");
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.status().message().find("cannot open the compiler"),
            std::string::npos);
  auto foreign = compileWith("libm.so.6", "one");
  ASSERT_FALSE(foreign.ok());
  EXPECT_NE(foreign.status().message().find("'libm.so.6' is not Burin's"),
            std::string::npos);
}

TEST_F(ModuleCacheTest, NewCompilerMeansNewModules) {
  fs::path copy = folder_ / "libburin-compiler.so";
  fs::copy_file(BURIN_FAKE_COMPILER, copy);
  setenv("BURIN_COMPILER", copy.c_str(), 1);
  expectSample("one");
  expectSample("one");
  EXPECT_EQ(calls(), 1);
  fs::last_write_time(copy, fs::last_write_time(copy) + std::chrono::hours(1));
  expectSample("one");
  EXPECT_EQ(calls(), 2);
}

TEST(CacheFolder, FollowsTheEnvironment) {
  setenv("XDG_CACHE_HOME", "/cache", 1);
  EXPECT_EQ(ModuleCacheOptions::defaultCacheFolder(), "/cache/burin");
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", "/home/someone", 1);
  EXPECT_EQ(ModuleCacheOptions::defaultCacheFolder(),
            "/home/someone/.cache/burin");
  unsetenv("HOME");
  EXPECT_EQ(ModuleCacheOptions::defaultCacheFolder(), "");
}

} // namespace
} // namespace burin
