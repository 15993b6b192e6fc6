// SPDX-License-Identifier: Apache-2.0
// The C interface of libburin-mpi.so, which is built with one MPI and opened
// on demand: implementations of MPI have no binary interface in common.
#pragma once

#include <cstddef>

extern "C" {

// Functions return 0 or an error that `describe` writes out.
struct BurinMpi {
  int (*begin)(int* rank, int* size, int* localRank, int* localSize);
  int (*end)();
  int (*broadcast)(void* data, size_t bytes, int root);
  // Number r of `size` times `each` floats goes to process r.
  int (*exchange)(const float* from, float* to, int each);
  // `each` floats of every process, in order.
  int (*gather)(const float* from, float* to, int each);
  void (*describe)(int error, char* text, size_t size);
  // Ends all processes; does not return.
  void (*abort)(int exitStatus);
};

__attribute__((visibility("default"))) const BurinMpi* burinMpi();

} // extern "C"
