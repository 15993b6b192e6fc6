// SPDX-License-Identifier: Apache-2.0
// Processes that work together, on one host or on several.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "runtime/base/status.h"

namespace burin {

// What a group communicates, every process calls, in the same order. Used by
// one thread at a time.
class ProcessGroup {
public:
  virtual ~ProcessGroup() = default;

  virtual int rank() const = 0; // from 0
  virtual int size() const = 0;
  virtual int localRank() const = 0; // among those on this host
  virtual int localSize() const = 0;
  bool isFirst() const { return rank() == 0; }

  // Everyone gets what process `root` has.
  virtual Status broadcast(std::span<std::byte> data, int root) = 0;
  // Each element becomes its sum over all processes, added in the order of
  // their ranks: the same bits everywhere and every time.
  virtual Status sum(std::span<float> values) = 0;
  // For an error in one process that leaves the others waiting: says it on
  // standard error and ends them all. Returns it where there are no others.
  virtual Status endAll(const Status& error) = 0;

  // An error of any process becomes one of all, that of the lowest rank; from
  // then on every agreement gives it at once. Waits for all processes.
  Status agree(const Status& own);
  // An error unless all have the same text; `what` names it.
  Status agreeOn(const std::string& text, const std::string& what);
  // Whether any process says so.
  Result<bool> any(bool own);

private:
  Result<std::string> broadcastText(std::string text, int root);

  Status failure_;
};

// The one process that is its own group.
class SingleProcess : public ProcessGroup {
public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  int localRank() const override { return 0; }
  int localSize() const override { return 1; }
  Status broadcast(std::span<std::byte>, int) override { return okStatus(); }
  Status sum(std::span<float>) override { return okStatus(); }
  Status endAll(const Status& error) override { return error; }
};

// The processes that a launcher such as mpirun started together with this one,
// or this one alone where none did. libburin-mpi.so and MPI are opened only in
// the first case. At most once in a process.
Result<std::unique_ptr<ProcessGroup>> joinProcesses();

} // namespace burin
