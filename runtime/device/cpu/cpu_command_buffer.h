// SPDX-License-Identifier: Apache-2.0
// The five verbs on a CPU: each command is a loop over work items that the
// thread pool shares out.
#pragma once

#include <deque>
#include <vector>

#include "kernels/catalog.h"
#include "runtime/device/cpu/thread_pool.h"
#include "runtime/device/device.h"

namespace burin {

// Working memory of library kernels, one 64-byte aligned piece a thread.
class Scratch {
public:
  // Grows to `bytes` for each of `threads`.
  Status reserve(size_t bytes, int threads);
  std::byte* of(int thread) const { return base_ + thread * stride_; }

private:
  std::unique_ptr<std::byte[]> storage_;
  std::byte* base_ = nullptr;
  size_t stride_ = 0;
  int threads_ = 0;
};

// What the command buffers of one device share.
struct CpuContext {
  ThreadPool pool;
  const kernels::CpuKernel* (*findKernel)(std::string_view name);
  Scratch scratch;
};

class CpuCommandBuffer final : public CommandBuffer {
public:
  explicit CpuCommandBuffer(CpuContext& context) : context_(context) {}

  Status launch(KernelHandle kernel, std::span<const Operand> slices,
                int64_t workItems, const Grid* grid) override;
  Status call(const std::string& kernel, std::span<const Operand> slices,
              std::span<const int64_t> params,
              std::span<const KernelHandle> callbacks,
              std::span<const Operand> callbackSlices) override;
  Status copy(const Operand& source, const Operand& target) override;
  Status fill(const Operand& target, uint64_t pattern) override;
  Status collective(const Operand& target, Reduction reduction) override;
  Status finish() override;
  Status execute(std::span<std::byte* const> bindings,
                 const ExecuteOptions& options) override;

  // One command, ready to run on any thread.
  struct Command {
    void (*run)(const Command& command, int64_t begin, int64_t end,
                std::byte* scratch) = nullptr;
    int64_t items = 0;
    size_t firstView = 0; // in views_
    const kernels::View* views = nullptr;
    // launch
    kernels::LaunchFn launch = nullptr;
    // call
    const kernels::CpuKernel* kernel = nullptr;
    kernels::CallArgs args = {};
    // copy and fill: rows of bytes, cut into blocks when there is one row
    int64_t rowBytes = 0;
    int64_t blockBytes = 0;
    int64_t sourcePitch = 0;
    int64_t targetPitch = 0;
    uint64_t pattern = 0;
    size_t elementBytes = 0;
  };

private:
  struct Place {
    uint32_t binding;
    int64_t byteOffset;
  };

  Command& append();
  void addViews(std::span<const Operand> operands);
  static void cutRows(Command& command, const Operand& target,
                      bool oneDenseRow);

  CpuContext& context_;
  std::vector<Command> commands_;
  std::vector<kernels::View> views_;
  std::vector<Place> places_; // of views_
  std::deque<std::vector<int64_t>> params_;
  uint32_t bindings_ = 0; // the most that an operand names, plus one
};

} // namespace burin
