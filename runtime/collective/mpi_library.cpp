// SPDX-License-Identifier: Apache-2.0
// libburin-mpi.so: the one file that sees MPI's header, and nothing of the C++
// library.
#include "runtime/collective/mpi_abi.h"

#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

namespace {

int begin(int* rank, int* size, int* localRank, int* localSize) {
  int given = 0;
  int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given);
  if (error == MPI_SUCCESS)
    error = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (error == MPI_SUCCESS)
    error = MPI_Comm_rank(MPI_COMM_WORLD, rank);
  if (error == MPI_SUCCESS)
    error = MPI_Comm_size(MPI_COMM_WORLD, size);
  MPI_Comm host;
  if (error == MPI_SUCCESS)
    error = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, *rank,
                                MPI_INFO_NULL, &host);
  if (error != MPI_SUCCESS)
    return error;
  error = MPI_Comm_rank(host, localRank);
  if (error == MPI_SUCCESS)
    error = MPI_Comm_size(host, localSize);
  MPI_Comm_free(&host);
  return error;
}

int end() {
  return MPI_Finalize();
}

int broadcast(void* data, size_t bytes, int root) {
  constexpr size_t kMost = size_t{1} << 30; // counts are int
  char* next = static_cast<char*>(data);
  int error = MPI_SUCCESS;
  for (size_t part; bytes > 0 && error == MPI_SUCCESS; bytes -= part) {
    part = bytes < kMost ? bytes : kMost;
    error =
        MPI_Bcast(next, static_cast<int>(part), MPI_BYTE, root, MPI_COMM_WORLD);
    next += part;
  }
  return error;
}

int exchange(const float* from, float* to, int each) {
  return MPI_Alltoall(from, each, MPI_FLOAT, to, each, MPI_FLOAT,
                      MPI_COMM_WORLD);
}

int gather(const float* from, float* to, int each) {
  return MPI_Allgather(from, each, MPI_FLOAT, to, each, MPI_FLOAT,
                       MPI_COMM_WORLD);
}

void describe(int error, char* text, size_t size) {
  char whole[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(error, whole, &length) != MPI_SUCCESS)
    length = 0;
  size_t i = 0;
  for (; i + 1 < size && i < static_cast<size_t>(length); ++i)
    text[i] = whole[i];
  text[i] = '\0';
}

void abortAll(int exitStatus) {
  MPI_Abort(MPI_COMM_WORLD, exitStatus);
}

constexpr BurinMpi kFunctions = {begin,  end,      broadcast, exchange,
                                 gather, describe, abortAll};

} // namespace

const BurinMpi* burinMpi() {
  return &kFunctions;
}
