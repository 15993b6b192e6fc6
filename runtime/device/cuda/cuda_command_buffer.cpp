// SPDX-License-Identifier: Apache-2.0
// Recording, and execution as a replayed graph or step by step.
#include "runtime/device/cuda/cuda_command_buffer.h"

#include <algorithm>

namespace burin::cuda {
namespace {

constexpr size_t kMostReplays = 4;

std::string commandName(size_t index) {
  return "command " + std::to_string(index);
}

} // namespace

CudaCommandBuffer::~CudaCommandBuffer() {
  context_.enterToFree();
  for (const Replay& replay : replays_)
    if (replay.graph)
      context_.driver.graphExecDestroy(replay.graph);
  for (Event event : events_)
    context_.driver.eventDestroy(event);
}

CudaCommandBuffer::Command&
CudaCommandBuffer::append(Verb verb, std::span<const Operand> operands) {
  for (const Operand& operand : operands) {
    auto at = std::ranges::lower_bound(used_, operand.binding);
    if (at == used_.end() || *at != operand.binding)
      used_.insert(at, operand.binding);
  }
  Command& command = commands_.emplace_back();
  command.verb = verb;
  command.operands.assign(operands.begin(), operands.end());
  return command;
}

Status CudaCommandBuffer::launch(KernelHandle kernel,
                                 std::span<const Operand> slices,
                                 int64_t /*workItems*/, const Grid* grid) {
  if (!grid)
    return unavailable("a step is a launch over work items, which a GPU cannot "
                       "run; compile the module for " +
                       context_.info.card);
  for (const TensorMap& map : grid->maps)
    if (map.slice >= slices.size())
      return invalidArgument("a tensor map is of slice " +
                             std::to_string(map.slice) + ", the launch has " +
                             std::to_string(slices.size()));
  BURIN_TRY(context_.enter());
  Command& command = append(Verb::kLaunch, slices);
  command.function = static_cast<Function>(kernel);
  command.grid = *grid;
  return prepareFunction(command);
}

// Opts in to what a kernel may not have by default. Several launches share a
// function, so that the limit only ever rises.
Status CudaCommandBuffer::prepareFunction(const Command& command) {
  constexpr uint32_t kPortableCluster = 8;
  const Driver& driver = context_.driver;
  int allowed = 0;
  BURIN_TRY(context_.check(
      driver.functionGet(&allowed, kMaxDynamicShared, command.function),
      "reading of a kernel's properties"));
  auto wanted = static_cast<int>(command.grid.sharedBytes);
  if (wanted > allowed)
    BURIN_TRY(context_.check(
        driver.functionSet(command.function, kMaxDynamicShared, wanted),
        "request for " + std::to_string(wanted) + " bytes of shared memory"));
  if (command.grid.cluster > kPortableCluster)
    BURIN_TRY(context_.check(
        driver.functionSet(command.function, kNonPortableCluster, 1),
        "request for clusters of " + std::to_string(command.grid.cluster)));
  return okStatus();
}

Status CudaCommandBuffer::call(const std::string& kernel,
                               std::span<const Operand>,
                               std::span<const int64_t>,
                               std::span<const KernelHandle>,
                               std::span<const Operand>) {
  return unavailable("library kernel '" + kernel + "' does not exist for " +
                     context_.info.card +
                     "; compile the module for it, or use --device cpu");
}

Status CudaCommandBuffer::copy(const Operand& source, const Operand& target) {
  if (source.dtype != target.dtype || source.rows != target.rows ||
      source.extent != target.extent)
    return invalidArgument("copy of " + std::to_string(source.rows) +
                           " rows of " + std::to_string(source.extent) + " " +
                           std::string(burin::name(source.dtype)) + " to " +
                           std::to_string(target.rows) + " rows of " +
                           std::to_string(target.extent) + " " +
                           std::string(burin::name(target.dtype)));
  append(Verb::kCopy, std::array{source, target});
  return okStatus();
}

Status CudaCommandBuffer::fill(const Operand& target, uint64_t pattern) {
  append(Verb::kFill, {&target, 1}).pattern = pattern;
  return okStatus();
}

// One process has nobody to combine with.
Status CudaCommandBuffer::collective(const Operand& target, Reduction) {
  append(Verb::kCollective, {&target, 1});
  return okStatus();
}

Status CudaCommandBuffer::finish() {
  size_t views = 1;
  size_t maps = 0;
  for (const Command& command : commands_) {
    views = std::max(views, command.operands.size());
    maps = std::max(maps, command.grid.maps.size());
  }
  views_.resize(views);
  maps_.resize(maps);
  parameters_.reserve(maps + 2);
  return okStatus();
}

Status CudaCommandBuffer::checkExecution(Bindings bindings,
                                         const ExecuteOptions& options) const {
  uint32_t needed = used_.empty() ? 0 : used_.back() + 1;
  if (bindings.size() < needed)
    return invalidArgument("the commands name " + std::to_string(needed) +
                           " bindings, " + std::to_string(bindings.size()) +
                           " are given");
  if (!options.seconds.empty() && options.seconds.size() != commands_.size())
    return invalidArgument("times of " + std::to_string(commands_.size()) +
                           " commands do not fit " +
                           std::to_string(options.seconds.size()) + " places");
  return okStatus();
}

Status CudaCommandBuffer::execute(Bindings bindings,
                                  const ExecuteOptions& options) {
  BURIN_TRY(context_.enter());
  BURIN_TRY(checkExecution(bindings, options));
  bool whole = options.first == 0 && options.last >= commands_.size();
  if (!whole || context_.eager || !options.seconds.empty() || options.progress)
    return executeInSteps(bindings, options);
  Replay* replay = findReplay(bindings);
  if (!replay) {
    BURIN_ASSIGN(replay, capture(bindings, options.failed));
  }
  replay->lastUse = ++uses_;
  if (!replay->graph)
    return okStatus();
  return context_.check(
      context_.driver.graphLaunch(replay->graph, context_.stream),
      "launch of a graph");
}

CudaCommandBuffer::Replay* CudaCommandBuffer::findReplay(Bindings bindings) {
  for (Replay& replay : replays_) {
    auto same = [&](uint32_t binding, std::byte* address) {
      return bindings[binding] == address;
    };
    if (std::ranges::equal(used_, replay.addresses, same))
      return &replay;
  }
  return nullptr;
}

void CudaCommandBuffer::makeRoom() {
  if (replays_.size() < kMostReplays)
    return;
  auto oldest = std::ranges::min_element(replays_, {}, &Replay::lastUse);
  // One that still runs is freed when it is done.
  if (oldest->graph)
    context_.driver.graphExecDestroy(oldest->graph);
  replays_.erase(oldest);
}

Status CudaCommandBuffer::captureCommands(Bindings bindings, Graph& graph,
                                          size_t* failed) {
  const Driver& driver = context_.driver;
  BURIN_TRY(
      context_.check(driver.beginCapture(context_.stream, kCaptureThreadLocal),
                     "begin of a capture"));
  Status status;
  bool afterKernel = false;
  for (size_t i = 0; i < commands_.size() && status.ok(); ++i) {
    status =
        enqueue(commands_[i], bindings, afterKernel).within(commandName(i));
    if (!status.ok() && failed)
      *failed = i;
    if (commands_[i].verb != Verb::kCollective)
      afterKernel = commands_[i].verb == Verb::kLaunch;
  }
  Code ended = driver.endCapture(context_.stream, &graph);
  BURIN_TRY(status);
  return context_.check(ended, "end of a capture");
}

Result<CudaCommandBuffer::Replay*> CudaCommandBuffer::capture(Bindings bindings,
                                                              size_t* failed) {
  const Driver& driver = context_.driver;
  makeRoom();
  context_.countBlocking();
  Graph graph = nullptr;
  Replay replay = {{}, nullptr, 0};
  Status status = captureCommands(bindings, graph, failed);
  if (status.ok() && !commands_.empty())
    status = context_.check(driver.graphInstantiate(&replay.graph, graph, 0),
                            "instantiation of a graph");
  if (graph)
    driver.graphDestroy(graph);
  BURIN_TRY(status);
  for (uint32_t binding : used_)
    replay.addresses.push_back(bindings[binding]);
  replays_.push_back(std::move(replay));
  Replay* kept = &replays_.back();
  if (kept->graph)
    BURIN_TRY(context_.check(driver.graphUpload(kept->graph, context_.stream),
                             "upload of a graph"));
  return kept;
}

Status CudaCommandBuffer::reserveEvents(size_t count) {
  while (events_.size() < count) {
    context_.countBlocking();
    Event event = nullptr;
    BURIN_TRY(context_.check(context_.driver.eventCreate(&event, 0),
                             "making of an event"));
    events_.push_back(event);
  }
  return okStatus();
}

Status CudaCommandBuffer::executeInSteps(Bindings bindings,
                                         const ExecuteOptions& options) {
  size_t last = std::min(options.last, commands_.size());
  if (!options.seconds.empty())
    return executeTimed(bindings, options, last);
  bool watched = context_.eager || options.progress;
  bool afterKernel = false;
  for (size_t i = options.first; i < last; ++i) {
    Status status = enqueue(commands_[i], bindings, afterKernel);
    if (status.ok() && watched)
      status = context_.synchronize();
    if (!status.ok()) {
      if (options.failed)
        *options.failed = i;
      return status.within(commandName(i));
    }
    if (commands_[i].verb != Verb::kCollective)
      afterKernel = !watched && commands_[i].verb == Verb::kLaunch;
    if (options.progress && !options.progress(i + 1, commands_.size()))
      return {burin::Code::kCancelled,
              "stopped after " + std::to_string(i + 1) + " of " +
                  std::to_string(commands_.size()) + " steps"};
  }
  return okStatus();
}

// Events lie between all commands, so that none overlaps the one before.
Status CudaCommandBuffer::executeTimed(Bindings bindings,
                                       const ExecuteOptions& options,
                                       size_t last) {
  const Driver& driver = context_.driver;
  if (options.first >= last)
    return okStatus();
  BURIN_TRY(reserveEvents(last - options.first + 1));
  auto mark = [&](size_t i) {
    return context_.check(
        driver.eventRecord(events_[i - options.first], context_.stream),
        "recording of an event");
  };
  BURIN_TRY(mark(options.first));
  Status stopped;
  size_t done = options.first;
  for (; done < last && stopped.ok();) {
    Status status = enqueue(commands_[done], bindings, false);
    if (status.ok())
      status = mark(done + 1);
    if (status.ok() && (context_.eager || options.progress))
      status = context_.synchronize();
    if (!status.ok()) {
      if (options.failed)
        *options.failed = done;
      return status.within(commandName(done));
    }
    ++done;
    if (options.progress && !options.progress(done, commands_.size()))
      stopped = {burin::Code::kCancelled,
                 "stopped after " + std::to_string(done) + " of " +
                     std::to_string(commands_.size()) + " steps"};
  }
  BURIN_TRY(context_.synchronize());
  for (size_t i = options.first; i < done; ++i) {
    float milliseconds = 0;
    BURIN_TRY(context_.check(
        driver.eventElapsed(&milliseconds, events_[i - options.first],
                            events_[i - options.first + 1]),
        "reading of a time"));
    options.seconds[i] += milliseconds * 1e-3;
  }
  return stopped;
}

} // namespace burin::cuda
