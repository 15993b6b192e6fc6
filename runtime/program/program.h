// SPDX-License-Identifier: Apache-2.0
// A compiled module on a device: load, bind, prepare once, then run.
//
//   auto program = Program::load(moduleBytes, *device);
//   auto lookup = [&](auto name) { return checkpoint.find(name); };
//   program->bind(lookup);
//   program->prepare({});
//   program->run(*program->find("unet"), inputs, outputs);
//
// A program is used by one thread at a time; programs of one device share its
// threads and take turns too.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "formats/file/tensor_view.h"
#include "runtime/device/device.h"

namespace burin {

namespace module {
struct Module;
struct Function;
} // namespace module

// Where a function puts one of its results; dense and row-major.
struct OutputView {
  std::string_view name;
  DType dtype = DType::kF32;
  std::span<const int64_t> shape;
  std::span<std::byte> data;
};

// What a step is, for profiles.
struct StepInfo {
  std::string_view location; // the layer
  std::string_view verb;     // "launch", "call", "copy", "fill", "collective"
  std::string_view kernel;   // symbol (launch), library kernel (call), or empty
  uint64_t flops;
  uint64_t bytes;
};

// A function of a program; lives as long as the program.
struct FunctionInfo {
  std::string_view name;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::vector<StepInfo> steps;
  size_t index = 0; // among the program's functions
};

struct PrepareOptions {
  // Called with each constant that nothing reads any more, as soon as that is
  // so: the owner of a mapping may drop the pages.
  std::function<void(const TensorView&)> release;
  std::function<bool(size_t done, size_t total)> progress;
  // On a device with memory of its own: for constants on their way into
  // states. One step's constants are taken together, whatever their size.
  size_t temporaryBytes = size_t{64} << 20;
};

class Program {
public:
  // The tensor of that name, or why there is none. What it points to must
  // outlive the program.
  using ConstantLookup =
      std::function<Result<TensorView>(std::string_view name)>;

  // Verifies the module, loads its code, allocates states, the arena and, on
  // a device with memory of its own, room for inputs and outputs, and records
  // every function. `module` and `device` must outlive the program;
  // `module` begins on an 8-byte boundary.
  static Result<std::unique_ptr<Program>>
  load(std::span<const std::byte> module, Device& device);

  // Looks up every constant and compares dtype and shape. The error lists all
  // that do not fit (the first kListed by name). A device with memory of its
  // own receives those that are read in runs.
  static constexpr size_t kListed = 10;
  Status bind(const ConstantLookup& lookup);

  // Runs the module's `prepare` function, when it has one.
  Status prepare(const PrepareOptions& options);

  // Runs a function. Tensors are matched by name, in any order; each of the
  // function's must be there once with its dtype and shape, aligned to its
  // element. Outputs must not overlap inputs. Allocates nothing, takes no
  // lock.
  Status run(const FunctionInfo& function, std::span<const TensorView> inputs,
             std::span<const OutputView> outputs,
             const ExecuteOptions& options = {});

  // Runs a function on tensors that lie in device memory already, dense and
  // in the order of its inputs and outputs; returns when the work is in the
  // device's queue. What the host must know of the addresses is the caller's
  // business: nothing is checked.
  Status enqueue(const FunctionInfo& function,
                 std::span<std::byte* const> inputs,
                 std::span<std::byte* const> outputs,
                 const ExecuteOptions& options = {});

  // The error lists what there is.
  Result<const FunctionInfo*> find(std::string_view name) const;
  // Without `prepare`.
  std::vector<const FunctionInfo*> functions() const;

  // Bytes on the device: working memory, and what lives from run to run.
  size_t arenaBytes() const { return arena_.size(); }
  size_t stateBytes() const { return states_.size(); }
  Device& device() const { return device_; }

  ~Program();

private:
  struct Function;
  enum class Stage { kLoaded, kBound, kPrepared };

  explicit Program(Device& device);
  Status loadModule();
  Status allocateStates();
  Result<std::vector<KernelHandle>> loadKernels();
  // The prepare function, or null.
  Function* prepareFunction() const;
  Status match(Function& function, std::span<const TensorView> inputs,
               std::span<const OutputView> outputs);
  Status execute(Function& function, const ExecuteOptions& options);

  // For devices with memory of their own (transfer.cpp).
  Status allocateTransfers();
  Status uploadConstants();
  Status prepareInRanges(Function& prepare, const PrepareOptions& options);
  Status runWithTransfers(Function& function, const ExecuteOptions& options);

  // Whether a function other than `prepare` reads it.
  bool isResident(uint32_t constant) const;

  Device& device_;
  const module::Module* module_ = nullptr;
  Stage stage_ = Stage::kLoaded;
  std::vector<std::unique_ptr<CodeImage>> images_;
  std::vector<int64_t> stateOffsets_; // in states_
  Memory states_;
  Memory arena_; // of the function that runs
  std::vector<std::unique_ptr<Function>> functions_;
  std::vector<TensorView> constants_;
  Memory resident_; // the constants that are read in runs
  Memory transfer_; // inputs and outputs of the function that runs
};

} // namespace burin
