// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target on reproducible mutations of its seeds, where libFuzzer
// is not at hand. Usage: NAME [--runs N] [--write-seeds FOLDER]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string_view>

#include "tests/robustness/fuzz.h"

namespace burin {
namespace {

using Bytes = std::vector<std::byte>;

class Mutator {
public:
  Bytes mutate(Bytes bytes, const Bytes& other) {
    for (size_t changes = 1 + below(6); changes > 0; --changes)
      change(bytes, other);
    return bytes;
  }
  size_t below(size_t limit) { return limit ? random_() % limit : 0; }

private:
  void change(Bytes& bytes, const Bytes& other) {
    size_t at = below(bytes.size());
    switch (below(7)) {
    case 0: // one bit
      if (!bytes.empty())
        bytes[at] ^= static_cast<std::byte>(1u << below(8));
      break;
    case 1: // one byte
      if (!bytes.empty())
        bytes[at] = static_cast<std::byte>(random_());
      break;
    case 2: // an integer that parsers mishandle
      overwrite(bytes, at, number());
      break;
    case 3: // cut the end
      bytes.resize(bytes.size() - below(std::min<size_t>(bytes.size(), 64)));
      break;
    case 4: // take out a piece
      bytes.erase(bytes.begin() + static_cast<ptrdiff_t>(at),
                  bytes.begin() + static_cast<ptrdiff_t>(
                                      std::min(at + below(16), bytes.size())));
      break;
    case 5: // put in a piece
      bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), below(16),
                   static_cast<std::byte>(random_()));
      break;
    default: // a piece of another seed
      if (size_t from = below(other.size()); from < other.size())
        for (size_t i = 0, n = below(64);
             i < n && at + i < bytes.size() && from + i < other.size(); ++i)
          bytes[at + i] = other[from + i];
      break;
    }
  }

  uint64_t number() {
    static constexpr uint64_t kNumbers[] = {
        0,          1,          127,        128,        255,
        256,        0x7fff,     0x8000,     0xffff,     0x7fffffff,
        0x80000000, 0xffffffff, 1ull << 32, 1ull << 62, (1ull << 63) - 1,
        1ull << 63, ~0ull,      ~0ull - 7};
    return kNumbers[below(std::size(kNumbers))];
  }

  void overwrite(Bytes& bytes, size_t at, uint64_t value) {
    size_t size = size_t{1} << below(4);
    if (at + size <= bytes.size())
      std::memcpy(bytes.data() + at, &value, size);
  }

  std::mt19937_64 random_{1};
};

int writeSeeds(const char* folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const Bytes& seed : fuzzSeeds()) {
    std::ofstream file(std::filesystem::path(folder) /
                           ("seed" + std::to_string(number++)),
                       std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.data()),
               static_cast<std::streamsize>(seed.size()));
  }
  return 0;
}

void runOne(const Bytes& bytes) {
  // A copy of exact size, so that a sanitizer sees a read past its end.
  std::vector<uint8_t> copy(bytes.size());
  if (!bytes.empty()) // an empty vector may have no address
    std::memcpy(copy.data(), bytes.data(), bytes.size());
  (void)LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

} // namespace
} // namespace burin

int main(int argc, char** argv) {
  long runs = 20000;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "--write-seeds")
      return burin::writeSeeds(argv[i + 1]);
    if (std::string_view(argv[i]) == "--runs")
      runs = std::atol(argv[i + 1]);
  }
  const auto seeds = burin::fuzzSeeds();
  if (seeds.empty()) {
    std::fprintf(stderr, "the fuzz target has no seeds\n");
    return 1;
  }
  for (const auto& seed : seeds)
    burin::runOne(seed);
  burin::Mutator mutator;
  for (long run = 0; run < runs; ++run)
    burin::runOne(mutator.mutate(seeds[mutator.below(seeds.size())],
                                 seeds[mutator.below(seeds.size())]));
  std::printf("%zu seeds, %ld mutations\n", seeds.size(), runs);
  return 0;
}
