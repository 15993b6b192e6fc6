// SPDX-License-Identifier: Apache-2.0
// NCCL's functions, opened when several processes use cards.
//
// Types and numbers are those of NCCL 2's binary interface (nccl.h).
#pragma once

#include <cstddef>
#include <memory>

#include "runtime/collective/collective.h"
#include "runtime/device/cuda/cuda_device.h"

namespace burin::nccl {

using Communicator = struct ncclComm*;
using Stream = struct CUstream_st*;

// ncclUniqueId, passed by value.
struct UniqueId {
  char bytes[128];
};

using Code = int; // ncclResult_t
inline constexpr Code kSuccess = 0;
inline constexpr int kFloat32 = 7; // ncclDataType_t
inline constexpr int kSum = 0;     // ncclRedOp_t

// Member, symbol, result, parameters.
#define BURIN_NCCL_FUNCTIONS(X)                                                \
  X(getUniqueId, ncclGetUniqueId, Code, (UniqueId*))                           \
  X(initRank, ncclCommInitRank, Code, (Communicator*, int, UniqueId, int))     \
  X(destroy, ncclCommDestroy, Code, (Communicator))                            \
  X(allReduce, ncclAllReduce, Code,                                            \
    (const void*, void*, size_t, int, int, Communicator, Stream))              \
  X(errorString, ncclGetErrorString, const char*, (Code))                      \
  X(lastError, ncclGetLastError, const char*, (Communicator))

struct Library {
#define BURIN_NCCL_MEMBER(member, symbol, result, parameters)                  \
  result(*member) parameters;
  BURIN_NCCL_FUNCTIONS(BURIN_NCCL_MEMBER)
#undef BURIN_NCCL_MEMBER
};

// A communicator between the cards of a group's processes. libnccl.so.2 is
// opened by all of them; each has a card of its own.
Result<std::unique_ptr<Collective>> open(CudaDevice& card, ProcessGroup& group);

} // namespace burin::nccl
