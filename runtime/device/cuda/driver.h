// SPDX-License-Identifier: Apache-2.0
// The NVIDIA driver's functions, opened when they are first needed: neither
// building nor starting Burin takes CUDA.
//
// Types and numbers are those of the driver's stable binary interface, as
// cuda.h of CUDA 12 declares them; the symbols carry their versions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/base/status.h"

namespace burin::cuda {

using DevicePointer = uint64_t;
using Context = struct CUctx_st*;
using Stream = struct CUstream_st*;
using Event = struct CUevent_st*;
using Module = struct CUmod_st*;
using Function = struct CUfunc_st*;
using Graph = struct CUgraph_st*;
using GraphExec = struct CUgraphExec_st*;

// CUresult; a plain number, since a newer driver may know more of them.
using Code = int;
inline constexpr Code kSuccess = 0;
inline constexpr Code kOutOfMemoryCode = 2;
inline constexpr Code kNoDevice = 100;
inline constexpr Code kNoBinaryForGpu = 209;
inline constexpr Code kUnsupportedPtx = 222;
inline constexpr Code kNotFoundCode = 500;

// The errors after which a context serves no call any more.
bool isFatal(Code code);

inline constexpr int kMultiprocessorCount = 16; // CUdevice_attribute
inline constexpr int kCapabilityMajor = 75;
inline constexpr int kCapabilityMinor = 76;
inline constexpr int kMaxDynamicShared = 8; // CUfunction_attribute
inline constexpr int kNonPortableCluster = 14;
inline constexpr int kJitErrorLog = 5; // CUjit_option
inline constexpr int kJitErrorLogBytes = 6;
inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr int kCaptureThreadLocal = 1;

// CUlaunchAttribute.
struct LaunchAttribute {
  static constexpr int kClusterDimension = 4;
  static constexpr int kProgrammaticSerialization = 6;
  int id;
  alignas(8) uint32_t value[16];
};
static_assert(sizeof(LaunchAttribute) == 72);

// CUlaunchConfig.
struct LaunchConfig {
  unsigned grid[3];
  unsigned block[3];
  unsigned sharedBytes;
  Stream stream;
  LaunchAttribute* attributes;
  unsigned attributeCount;
};
static_assert(sizeof(LaunchConfig) == 56);

// One side of a CUDA_MEMCPY2D.
struct CopySide {
  static constexpr int kDevice = 2;
  size_t xInBytes = 0;
  size_t y = 0;
  int memoryType = kDevice;
  void* host = nullptr;
  DevicePointer device = 0;
  void* array = nullptr;
  size_t pitch = 0;
};
struct Copy2D {
  CopySide source;
  CopySide target;
  size_t widthInBytes;
  size_t height;
};
static_assert(sizeof(Copy2D) == 128);

// CUtensorMap; kernels need it at a multiple of 64 bytes, cuda.h of CUDA 13
// says 128.
struct alignas(128) EncodedMap {
  uint64_t opaque[16];
};

// Member, symbol, parameters. All return a Code.
#define BURIN_CUDA_FUNCTIONS(X)                                                \
  X(init, cuInit, (unsigned))                                                  \
  X(getErrorName, cuGetErrorName, (Code, const char**))                        \
  X(getErrorString, cuGetErrorString, (Code, const char**))                    \
  X(deviceGetCount, cuDeviceGetCount, (int*))                                  \
  X(deviceGet, cuDeviceGet, (int*, int))                                       \
  X(deviceGetName, cuDeviceGetName, (char*, int, int))                         \
  X(deviceGetAttribute, cuDeviceGetAttribute, (int*, int, int))                \
  X(primaryRetain, cuDevicePrimaryCtxRetain, (Context*, int))                  \
  X(primaryRelease, cuDevicePrimaryCtxRelease_v2, (int))                       \
  X(setCurrent, cuCtxSetCurrent, (Context))                                    \
  X(streamCreate, cuStreamCreate, (Stream*, unsigned))                         \
  X(streamDestroy, cuStreamDestroy_v2, (Stream))                               \
  X(streamSynchronize, cuStreamSynchronize, (Stream))                          \
  X(beginCapture, cuStreamBeginCapture_v2, (Stream, int))                      \
  X(endCapture, cuStreamEndCapture, (Stream, Graph*))                          \
  X(eventCreate, cuEventCreate, (Event*, unsigned))                            \
  X(eventDestroy, cuEventDestroy_v2, (Event))                                  \
  X(eventRecord, cuEventRecord, (Event, Stream))                               \
  X(eventSynchronize, cuEventSynchronize, (Event))                             \
  X(eventElapsed, cuEventElapsedTime, (float*, Event, Event))                  \
  X(memAlloc, cuMemAlloc_v2, (DevicePointer*, size_t))                         \
  X(memFree, cuMemFree_v2, (DevicePointer))                                    \
  X(memGetInfo, cuMemGetInfo_v2, (size_t*, size_t*))                           \
  X(hostAlloc, cuMemAllocHost_v2, (void**, size_t))                            \
  X(hostFree, cuMemFreeHost, (void*))                                          \
  X(copyToDevice, cuMemcpyHtoDAsync_v2,                                        \
    (DevicePointer, const void*, size_t, Stream))                              \
  X(copyToHost, cuMemcpyDtoHAsync_v2, (void*, DevicePointer, size_t, Stream))  \
  X(copyOnDevice, cuMemcpyDtoDAsync_v2,                                        \
    (DevicePointer, DevicePointer, size_t, Stream))                            \
  X(copy2D, cuMemcpy2DAsync_v2, (const Copy2D*, Stream))                       \
  X(fill8, cuMemsetD2D8Async,                                                  \
    (DevicePointer, size_t, unsigned char, size_t, size_t, Stream))            \
  X(fill16, cuMemsetD2D16Async,                                                \
    (DevicePointer, size_t, unsigned short, size_t, size_t, Stream))           \
  X(fill32, cuMemsetD2D32Async,                                                \
    (DevicePointer, size_t, unsigned, size_t, size_t, Stream))                 \
  X(fillBytes, cuMemsetD8Async,                                                \
    (DevicePointer, unsigned char, size_t, Stream))                            \
  X(moduleLoad, cuModuleLoadDataEx,                                            \
    (Module*, const void*, unsigned, int*, void**))                            \
  X(moduleUnload, cuModuleUnload, (Module))                                    \
  X(moduleFunction, cuModuleGetFunction, (Function*, Module, const char*))     \
  X(functionGet, cuFuncGetAttribute, (int*, int, Function))                    \
  X(functionSet, cuFuncSetAttribute, (Function, int, int))                     \
  X(launch, cuLaunchKernelEx, (const LaunchConfig*, Function, void**, void**)) \
  X(graphInstantiate, cuGraphInstantiateWithFlags,                             \
    (GraphExec*, Graph, unsigned long long))                                   \
  X(graphUpload, cuGraphUpload, (GraphExec, Stream))                           \
  X(graphLaunch, cuGraphLaunch, (GraphExec, Stream))                           \
  X(graphDestroy, cuGraphDestroy, (Graph))                                     \
  X(graphExecDestroy, cuGraphExecDestroy, (GraphExec))                         \
  X(encodeTiled, cuTensorMapEncodeTiled,                                       \
    (EncodedMap*, int, unsigned, void*, const uint64_t*, const uint64_t*,      \
     const uint32_t*, const uint32_t*, int, int, int, int))

struct Driver {
#define BURIN_CUDA_MEMBER(member, symbol, parameters) Code(*member) parameters;
  BURIN_CUDA_FUNCTIONS(BURIN_CUDA_MEMBER)
#undef BURIN_CUDA_MEMBER
};

// Opens the driver's library ("libcuda.so.1") and initialises it. It stays
// open: the driver does not bear being unloaded.
Result<Driver> openDriver(const std::string& library);

// "CUDA_ERROR_INVALID_VALUE (invalid argument)".
std::string describe(const Driver& driver, Code code);

} // namespace burin::cuda
