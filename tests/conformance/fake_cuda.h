// SPDX-License-Identifier: Apache-2.0
// A driver without a card: libcuda's entry points over the host's memory, for
// the logic of the CUDA device. It refuses what the driver would refuse, and
// fails on demand.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
// Fails a later call of the entry point ("cuMemAlloc_v2"), the one after
// `skip` others. Null takes all such wishes and a lost card back.
void fakeCudaFail(const char* symbol, int code, int skip);
// Calls of the entry point so far.
uint64_t fakeCudaCalls(const char* symbol);
// Launches that were allowed to overlap the kernel before.
uint64_t fakeCudaOverlaps();
// Driver objects and allocations that exist.
size_t fakeCudaObjects();
}
