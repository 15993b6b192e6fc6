// SPDX-License-Identifier: Apache-2.0
// Programs on devices with memory of their own: what moves there, and when.
#include <algorithm>

#include "runtime/program/function.h"

namespace burin {
namespace {

size_t bytesOf(const TensorSpec& spec) {
  // The reader has vouched for the shape.
  return static_cast<size_t>(*byteCount(spec.dtype, spec.shape));
}

// Where a function's inputs and outputs lie, one after another.
template <typename Visit>
size_t forEachTransfer(const FunctionInfo& info, const BindingLayout& layout,
                       const Visit& visit) {
  size_t offset = 0;
  auto all = [&](const std::vector<TensorSpec>& specs, uint32_t binding) {
    for (const TensorSpec& spec : specs) {
      visit(binding++, offset, bytesOf(spec));
      offset += padded(bytesOf(spec));
    }
  };
  all(info.inputs, layout.input(0));
  all(info.outputs, layout.output(0));
  return offset;
}

// Steps up to `last`, and the constants that they need together.
struct Piece {
  size_t last;
  std::vector<uint32_t> constants;
};

class PieceCutter {
public:
  // `reads`: the constants of each step; `need`: the bytes of each constant,
  // none for those that are on the device already.
  PieceCutter(std::span<const std::vector<uint32_t>> reads,
              std::span<const size_t> need)
      : reads_(reads), need_(need) {}

  size_t largestStep() const {
    size_t largest = 0;
    for (size_t i = 0; i < reads_.size(); ++i)
      largest = std::max(largest, bytesOf(i));
    return largest;
  }
  size_t total() const {
    size_t total = 0;
    for (size_t i = 0; i < reads_.size(); ++i)
      total += bytesOf(i);
    return total;
  }

  // The steps from `first` on that fit `room`, which must take any one step.
  Piece cut(size_t first, size_t room) const {
    Piece piece = {first, {}};
    for (; piece.last < reads_.size(); ++piece.last) {
      std::vector<uint32_t> added;
      size_t bytes = 0;
      for (uint32_t i : reads_[piece.last])
        if (need_[i] > 0 &&
            std::ranges::find(piece.constants, i) == piece.constants.end()) {
          added.push_back(i);
          bytes += need_[i];
        }
      if (bytes > room)
        break;
      room -= bytes;
      piece.constants.insert(piece.constants.end(), added.begin(), added.end());
    }
    return piece;
  }

private:
  size_t bytesOf(size_t step) const {
    size_t bytes = 0;
    for (uint32_t i : reads_[step])
      bytes += need_[i];
    return bytes;
  }

  std::span<const std::vector<uint32_t>> reads_;
  std::span<const size_t> need_;
};

} // namespace

Status Program::allocateTransfers() {
  size_t bytes = 0;
  for (const auto& function : functions_) {
    function->host.reserve(function->layout.count());
    bytes = std::max(bytes, forEachTransfer(function->info, function->layout,
                                            [](uint32_t, size_t, size_t) {}));
  }
  auto allocated = device_.allocate(bytes);
  if (!allocated.ok())
    return allocated.status().within("inputs and outputs");
  transfer_ = *std::move(allocated);
  return okStatus();
}

Status Program::uploadConstants() {
  size_t bytes = 0;
  for (uint32_t i = 0; i < constants_.size(); ++i)
    bytes += isResident(i) ? padded(constants_[i].data.size()) : 0;
  if (bytes > resident_.size() || resident_.size() == 0) {
    auto allocated = device_.allocate(bytes);
    if (!allocated.ok())
      return allocated.status().within("constants");
    resident_ = *std::move(allocated);
  }
  std::byte* next = resident_.data();
  for (uint32_t i = 0; i < constants_.size(); ++i) {
    std::byte* place = isResident(i) ? next : nullptr;
    for (auto& function : functions_)
      function->bindings[function->layout.constant(i)] = place;
    if (!place)
      continue;
    BURIN_TRY(
        device_.upload(place, constants_[i].data)
            .within("constant '" + std::string(constants_[i].name) + "'"));
    next += padded(constants_[i].data.size());
  }
  return okStatus();
}

// Packs weights in pieces: a buffer takes the constants of the next steps,
// these run, and the buffer takes the next ones. All of it is in the queue's
// order, so that nobody waits for a piece.
Status Program::prepareInRanges(Function& prepare,
                                const PrepareOptions& options) {
  std::vector<size_t> need(constants_.size()); // bytes of the buffer
  for (uint32_t i = 0; i < constants_.size(); ++i) {
    if (!isResident(i))
      need[i] = padded(constants_[i].data.size());
    else if (options.release)
      options.release(constants_[i]);
  }
  PieceCutter cutter(prepare.reads, need);
  auto buffer = device_.allocate(std::max(
      cutter.largestStep(), std::min(cutter.total(), options.temporaryBytes)));
  if (!buffer.ok())
    return buffer.status().within("constants to prepare");
  size_t steps = prepare.info.steps.size();
  for (size_t first = 0; first < steps;) {
    Piece piece = cutter.cut(first, buffer->size());
    std::byte* next = buffer->data();
    for (uint32_t i : piece.constants) {
      BURIN_TRY(
          device_.upload(next, constants_[i].data)
              .within("constant '" + std::string(constants_[i].name) + "'"));
      prepare.bindings[prepare.layout.constant(i)] = next;
      next += need[i];
    }
    ExecuteOptions range;
    range.first = first;
    range.last = piece.last;
    BURIN_TRY(execute(prepare, range));
    for (uint32_t i : piece.constants)
      if (options.release &&
          prepare.lastRead[i] < static_cast<int64_t>(piece.last))
        options.release(constants_[i]);
    if (options.progress && !options.progress(piece.last, steps))
      return {Code::kCancelled, "stopped after " + std::to_string(piece.last) +
                                    " of " + std::to_string(steps) + " steps"};
    first = piece.last;
  }
  return device_.synchronize();
}

Status Program::runWithTransfers(Function& function,
                                 const ExecuteOptions& options) {
  // The host's tensors are bound; their places on the device take over.
  Status status;
  auto isInput = [&](uint32_t binding) {
    return binding < function.layout.output(0);
  };
  std::span<std::byte*> bindings = function.bindings;
  std::vector<std::byte*>& host = function.host;
  host.assign(bindings.begin(), bindings.end());
  forEachTransfer(
      function.info, function.layout,
      [&](uint32_t binding, size_t offset, size_t bytes) {
        bindings[binding] = transfer_.data() + offset;
        if (isInput(binding) && status.ok())
          status = device_.upload(bindings[binding], {host[binding], bytes});
      });
  BURIN_TRY(status);
  BURIN_TRY(execute(function, options));
  forEachTransfer(
      function.info, function.layout,
      [&](uint32_t binding, size_t, size_t bytes) {
        if (!isInput(binding) && status.ok())
          status = device_.download({host[binding], bytes}, bindings[binding]);
      });
  BURIN_TRY(status);
  return function.info.outputs.empty() ? device_.synchronize() : okStatus();
}

} // namespace burin
