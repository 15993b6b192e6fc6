// SPDX-License-Identifier: Apache-2.0
// The five verbs on a card. A whole execution is captured into a CUDA graph
// once for each set of bindings and then replayed; what must be watched step
// by step goes to the stream directly.
#pragma once

#include <optional>
#include <vector>

#include "runtime/device/cuda/cuda_context.h"

namespace burin::cuda {

class CudaCommandBuffer final : public CommandBuffer {
public:
  explicit CudaCommandBuffer(CudaContext& context) : context_(context) {}
  ~CudaCommandBuffer() override;

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

private:
  // What a kernel takes for a slice (kernels/cuda/common/views.cuh, View).
  struct View {
    DevicePointer data;
    int64_t pitch;
  };
  enum class Verb { kLaunch, kCopy, kFill, kCollective };
  struct Command {
    Verb verb;
    std::vector<Operand> operands; // copy: source, target
    Function function = nullptr;   // launch
    Grid grid = {};
    uint64_t pattern = 0; // fill
  };
  // An instantiated graph and the addresses that are in it.
  struct Replay {
    std::vector<std::byte*> addresses; // of used_
    GraphExec graph;
    uint64_t lastUse;
  };
  using Bindings = std::span<std::byte* const>;

  Command& append(Verb verb, std::span<const Operand> operands);
  Status prepareFunction(const Command& command);
  Status checkExecution(Bindings bindings, const ExecuteOptions& options) const;

  // Put one command into the stream, which may be capturing.
  Status enqueue(const Command& command, Bindings bindings, bool overlaps);
  Status enqueueLaunch(const Command& command, Bindings bindings,
                       bool overlaps);
  Status enqueueCopy(const Command& command, Bindings bindings);
  Status enqueueFill(const Command& command, Bindings bindings);
  Status fillRows(DevicePointer target, size_t element, uint64_t pattern,
                  int64_t rows, int64_t extent, int64_t pitch);
  Status encode(const Command& command, const TensorMap& map, Bindings bindings,
                EncodedMap& encoded);

  Replay* findReplay(Bindings bindings);
  Result<Replay*> capture(Bindings bindings, size_t* failed);
  Status captureCommands(Bindings bindings, Graph& graph, size_t* failed);
  void makeRoom();

  Status executeInSteps(Bindings bindings, const ExecuteOptions& options);
  Status executeTimed(Bindings bindings, const ExecuteOptions& options,
                      size_t last);
  Status reserveEvents(size_t count);

  CudaContext& context_;
  std::vector<Command> commands_;
  std::vector<uint32_t> used_; // bindings that operands name, ascending
  std::vector<Replay> replays_;
  uint64_t uses_ = 0;
  std::vector<Event> events_;
  // Parameters of the launch that is being enqueued; the driver copies them.
  std::vector<View> views_;
  std::vector<EncodedMap> maps_;
  std::vector<void*> parameters_;
};

} // namespace burin::cuda
