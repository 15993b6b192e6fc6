// SPDX-License-Identifier: Apache-2.0
// What a fuzz target provides: an entry point that must survive any bytes, and
// valid inputs to start from.
//
// Two programs come of each: NAME_fuzz_test, which mutates the seeds a fixed
// number of times and runs with the tests, and, in a sanitizer build with
// clang, NAME_fuzzer, which libFuzzer drives for as long as it is left to:
//   NAME_fuzz_test --write-seeds corpus && NAME_fuzzer corpus
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace burin {

std::vector<std::vector<std::byte>> fuzzSeeds();

} // namespace burin
