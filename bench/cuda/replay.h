// SPDX-License-Identifier: Apache-2.0
// Times cases on a card: texts are compiled together, operands lie in memory
// that all cases share, launches are replayed over several sets of operands.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/cuda/cases.h"
#include "runtime/device/device.h"

namespace burin::bench {

// Machine code of plans, by symbol.
class KernelImages {
public:
  void add(const KernelCase& work);
  // What was added and not compiled yet, on every processor at once.
  Status compile(Device& device, const std::string& target);
  Result<KernelHandle> find(const std::string& symbol) const;

private:
  void add(const kernels::cuda::LaunchPlan& plan);

  std::map<std::string, std::string> texts_;
  std::map<std::string, KernelHandle> handles_;
  std::vector<std::unique_ptr<CodeImage>> images_;
};

// The sets of operands that exceed a card's cache twice over, two at least
// and `most` at most.
int64_t operandSets(const KernelCase& work, int64_t most);

// Memory for the operands of one case at a time. What is read holds random
// bf16 numbers, whatever a slice's type.
class OperandPool {
public:
  // Normal numbers to time with: a card's power, and so its clock, depends on
  // them. Integers of at most 2 to compare with: sums are exact.
  enum class Values { kNormal, kIntegers };

  void need(const KernelCase& work, int64_t sets);
  Status allocate(Device& device, bool integers);

  // Of what is read (0) and of what is written (1).
  std::array<std::byte*, 2> bindings(Values values) const;

private:
  size_t read_ = 0, checked_ = 0, written_ = 0;
  Memory normal_, integers_, results_;
};

// A case, recorded.
class Replay {
public:
  // `work` must outlive it. Launches go through the sets in turn, twice.
  static Result<Replay> record(Device& device, const KernelImages& images,
                               const KernelCase& work, int64_t sets);

  // Seconds of the case, by `replays` between two looks at the clock.
  Result<double> time(const OperandPool& pool, int replays);
  int64_t launches() const { return launches_; }

private:
  Replay(Device& device, std::unique_ptr<CommandBuffer> commands,
         int64_t launches)
      : device_(&device), commands_(std::move(commands)), launches_(launches) {}

  Device* device_;
  std::unique_ptr<CommandBuffer> commands_;
  int64_t launches_;
};

// What the case writes on operands of small integers.
Result<std::vector<std::byte>> resultOf(Device& device,
                                        const KernelImages& images,
                                        const KernelCase& work,
                                        const OperandPool& pool);

} // namespace burin::bench
