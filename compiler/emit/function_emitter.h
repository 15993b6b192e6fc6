// SPDX-License-Identifier: Apache-2.0
// What a function of a module is made of while it is emitted, and the part of
// that which is one device's business: which steps a region becomes.
#pragma once

#include "compiler/plan/arena.h"
#include "compiler/plan/placement.h"
#include "formats/module/module.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <string>

namespace burin {

module::DType moduleDType(mlir::Type element);
// The path of the layer that `location` names, or "?".
std::string locationText(mlir::Location location);

// One step of `prepare`: packs a window of a constant into a state.
struct PackedPart {
  module::SliceT source;
  // The step, given the numbers of the slices {source, state}.
  std::function<module::VerbUnion(uint32_t source, uint32_t target)> verb;
};

// What the functions of a module share: constants, states, kernels, and the
// steps of `prepare` that fill the states.
class ModuleTables {
public:
  ModuleTables(module::ModuleT& module, mlir::ModuleOp kernels)
      : module_(module), kernelOps_(kernels) {}

  mlir::FailureOr<uint32_t> constant(ParameterOp parameter);
  const std::string& constantName(uint32_t index) const {
    return module_.constants[index]->name;
  }
  uint32_t kernel(llvm::StringRef symbol);
  // Of a kernel that visits rows: how many there are.
  int64_t workItems(llvm::StringRef symbol);
  // Of each result of a kernel: the captured slice that may share its memory,
  // or -1.
  llvm::ArrayRef<int64_t> inPlace(llvm::StringRef symbol);
  // The state of `bytes` bytes that `prepare` fills by `parts`; `key` names
  // its content, so that it is filled once however many functions use it.
  uint32_t packedState(const std::string& key, int64_t bytes,
                       llvm::ArrayRef<PackedPart> parts,
                       const std::string& location);
  // Adds `prepare` if any state was packed.
  void finish();

private:
  module::ModuleT& module_;
  mlir::ModuleOp kernelOps_;
  llvm::StringMap<uint32_t> constants_, kernels_, states_;
  module::FunctionT prepare_;
};

// One function under construction: slices, steps, the buffers they use.
class FunctionEmitter {
public:
  FunctionEmitter(mlir::func::FuncOp function, ModuleTables& tables,
                  module::FunctionT& result)
      : function_(function), tables_(tables), result_(result) {}

  mlir::LogicalResult run(class StepEmitter& steps);

  // What a StepEmitter builds on.
  mlir::FailureOr<uint32_t> addSlice(mlir::Value value) {
    return addSlice(placement_.windows.at(value));
  }
  mlir::FailureOr<uint32_t> addSlice(const Window2d& window);
  // The slices of a generated kernel: what it captures, then the results.
  mlir::LogicalResult addKernelSlices(RegionOp region,
                                      std::vector<uint32_t>& to);
  // The window of `value` as a slice that no step uses yet.
  mlir::FailureOr<module::SliceT> makeSlice(mlir::Value value) {
    return makeSlice(placement_.windows.at(value));
  }
  const module::SliceT& slice(uint32_t index) const {
    return *result_.slices[index];
  }
  // The bytes of a state, or of a new buffer of this function.
  mlir::FailureOr<uint32_t> addState(uint32_t state, int64_t bytes);
  mlir::FailureOr<uint32_t> addBuffer(int64_t bytes);
  // The step about to be added uses `slice` too, which an earlier one did.
  void keep(uint32_t slice);
  // A step whose kernel may write over what it reads: `own` are the slices of
  // a library kernel, `generated` those of the generated code.
  void noteSharing(RegionOp region, llvm::ArrayRef<uint32_t> own,
                   llvm::ArrayRef<uint32_t> generated);
  void addStep(module::VerbUnion verb, mlir::Location location,
               uint64_t bytes = 0);

private:
  mlir::LogicalResult emitValues();
  mlir::LogicalResult emitStep(const PlacedStep& placed, StepEmitter& steps);
  mlir::FailureOr<module::SliceT> makeSlice(const Window2d& window);
  mlir::FailureOr<uint32_t> addBytes(Buffer buffer);
  void touch(size_t buffer);
  mlir::LogicalResult layOut();

  mlir::func::FuncOp function_;
  ModuleTables& tables_;
  module::FunctionT& result_;
  FunctionPlacement placement_;
  std::vector<ArenaBuffer> arena_;   // of each buffer; unused if elsewhere
  std::vector<size_t> sliceBuffers_; // the buffer of each slice
  std::vector<ArenaSharing> sharings_;
};

// How one kind of device runs regions.
class StepEmitter {
public:
  virtual ~StepEmitter() = default;
  // Adds the steps of `region`, which computes something.
  virtual mlir::LogicalResult emit(RegionOp region,
                                   FunctionEmitter& function) = 0;
};

} // namespace burin
