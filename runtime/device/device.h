// SPDX-License-Identifier: Apache-2.0
// What a program needs of a processor: memory, native code and five verbs,
// recorded once and executed many times.
//
// A device, its images and its command buffers are used by one thread at a
// time and must outlive what was made from them: memory and images before
// their device, command buffers before the images whose kernels they launch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/dtype.h"
#include "runtime/base/status.h"

namespace burin {

class Device;

// Owned device memory, zero where nothing has been written yet, aligned to
// at least 64 bytes.
class Memory {
public:
  Memory() = default;
  Memory(Device* device, std::byte* data, size_t size)
      : device_(device), data_(data), size_(size) {}
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Memory();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

private:
  void swap(Memory& other) {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  Device* device_ = nullptr;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Generated code on the device; what it points to is the device's business.
using KernelHandle = void*;

// Loaded native code. Destroying it unloads the code.
class CodeImage {
public:
  virtual ~CodeImage() = default;
  virtual Result<KernelHandle> find(const std::string& symbol) const = 0;
};

enum class ImageKind : uint8_t { kCpuElf, kCubin, kPtx };

struct ImageSource {
  ImageKind kind;
  std::string_view target; // "x86-64-v4", "sm_90a"
  std::span<const std::byte> code;
};

// The part of memory that a command touches: `rows` rows of `extent`
// contiguous elements, `pitch` elements apart, beginning `byteOffset` bytes
// into binding number `binding` of the execution.
struct Operand {
  uint32_t binding;
  int64_t byteOffset;
  DType dtype;
  int64_t rows;
  int64_t extent;
  int64_t pitch;
};

// How a GPU's copy engine sees a slice (formats/module/module.fbs, TensorMap).
struct TensorMap {
  uint32_t slice;
  uint64_t byteOffset;
  std::vector<uint64_t> extents;
  std::vector<uint64_t> strides;
  std::vector<uint32_t> box;
  std::vector<uint32_t> steps;
  uint8_t swizzle;
};

// A launch on a GPU (formats/module/module.fbs, Grid).
struct Grid {
  std::array<uint32_t, 3> blocks;
  uint32_t threads;
  uint32_t cluster;
  uint32_t sharedBytes;
  std::vector<TensorMap> maps;
  std::span<const std::byte> constants; // outlives the command buffer
  bool overlaps;
};

enum class Reduction : uint8_t { kSum, kMean };

struct ExecuteOptions {
  // The commands to execute: [first, last), to the end by default.
  size_t first = 0;
  size_t last = SIZE_MAX;
  // When not empty, one a command: receives its seconds (added).
  std::span<double> seconds;
  // Called after each command with the number that are done; false stops.
  std::function<bool(size_t done, size_t total)> progress;
  // When set and an execution fails: receives the command, where it is known.
  size_t* failed = nullptr;
};

// A list of commands. Record, finish once, then execute any number of times;
// each command sees the memory as the ones before it left it.
class CommandBuffer {
public:
  virtual ~CommandBuffer() = default;

  // Runs generated code over work items [0, workItems), or, on a GPU, over
  // `grid`, which is null for other devices.
  virtual Status launch(KernelHandle kernel, std::span<const Operand> slices,
                        int64_t workItems, const Grid* grid = nullptr) = 0;
  // Runs the library kernel of that name. `callbacks` are generated code for
  // it to call; `callbackSlices` belong to them.
  virtual Status call(const std::string& kernel,
                      std::span<const Operand> slices,
                      std::span<const int64_t> params,
                      std::span<const KernelHandle> callbacks,
                      std::span<const Operand> callbackSlices) = 0;
  // Equal dtype, rows and extents; source and target do not overlap.
  virtual Status copy(const Operand& source, const Operand& target) = 0;
  // Repeats the low bytes of `pattern`, one element's worth.
  virtual Status fill(const Operand& target, uint64_t pattern) = 0;
  // Combines the operand of every participant; one alone keeps its own.
  virtual Status collective(const Operand& target, Reduction reduction) = 0;

  // Ends recording and reserves what execution needs.
  virtual Status finish() = 0;
  // `bindings` are base addresses in device memory. Allocates nothing once
  // it has run with the same bindings. Returns when the commands are in the
  // device's queue; with `seconds` or `progress` set, when they are done.
  // Fails only with kCancelled, or when the device itself is lost.
  virtual Status execute(std::span<std::byte* const> bindings,
                         const ExecuteOptions& options) = 0;
};

class Device {
public:
  virtual ~Device() = default;
  // "cpu", "cuda:0".
  virtual std::string_view name() const = 0;
  virtual Result<Memory> allocate(size_t bytes) = 0;
  virtual Result<std::unique_ptr<CodeImage>>
  loadImage(const ImageSource& source) = 0;
  virtual std::unique_ptr<CommandBuffer> createCommandBuffer() = 0;

  // Whether the host reads and writes this device's memory by itself. Where
  // it does not, upload and download move data, in order with executions.
  virtual bool sharesMemory() const = 0;
  // `source` may change as soon as this returns.
  virtual Status upload(std::byte* target,
                        std::span<const std::byte> source) = 0;
  // Returns when the data has arrived.
  virtual Status download(std::span<std::byte> target,
                          const std::byte* source) = 0;
  // Waits until everything in the queue is done, and reports what failed.
  virtual Status synchronize() = 0;

private:
  friend class Memory;
  virtual void free(std::byte* data, size_t size) noexcept = 0;
};

inline Memory::~Memory() {
  if (data_)
    device_->free(data_, size_);
}

} // namespace burin
