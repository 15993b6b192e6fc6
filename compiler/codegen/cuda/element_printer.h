// SPDX-License-Identifier: Apache-2.0
// Prints elementwise and reducing linalg generics over a few neighbours of the
// last loop at once. The kernels' printers say which neighbours and in which
// loops; this one knows where the elements of each tensor are.
#pragma once

#include "compiler/codegen/cuda/scalar_printer.h"
#include "kernels/cuda/plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burin {

// Where the elements of a tensor are while a kernel runs.
struct Place {
  enum Kind {
    kSlice,  // in memory: slice number `slice`
    kVector, // in registers: `name[i]` is neighbour i
    kScalar, // in a register: `name`, the same for all neighbours
    kArray   // of this block: `name[linear index past the rows]`
  };
  Kind kind = kSlice;
  unsigned slice = 0;
  std::string name;
  // Of a vector: the constant that its loop's last index is read with. Of an
  // array: how many leading axes of the tensor are the row's.
  int64_t start = 0;
};

// One position of the loops: `dims` are expressions, that of the last loop of
// the first of `width` neighbours. `row` names all leading dims in order when
// they are those of a slice.
struct Position {
  llvm::SmallVector<std::string> dims;
  llvm::SmallVector<int64_t> extents;
  std::string row;   // linear index of the dims but the last, or empty
  std::string valid; // how many neighbours exist, or empty: all
  unsigned width = 8;
  std::string indent;
};

class ElementPrinter {
public:
  // `slices` describe the kernel's arguments from `firstArgument` on, then
  // its results; `views` is the expression of their views.
  ElementPrinter(mlir::func::FuncOp kernel, unsigned firstArgument,
                 llvm::ArrayRef<kernels::cuda::SliceInfo> slices,
                 std::string views);

  llvm::DenseMap<mlir::Value, Place>& places() { return places_; }
  // Whether results may be a few units of the last place off.
  bool isFast() const { return fast_; }

  // Reads what `op` reads and computes its results into vectors `<name><i>`.
  mlir::LogicalResult printMap(mlir::linalg::GenericOp op, const Position& at,
                               llvm::StringRef name, std::string& text);
  // Folds the neighbours into the scalar variables `accumulators`.
  mlir::LogicalResult printFold(mlir::linalg::GenericOp op, const Position& at,
                                llvm::ArrayRef<std::string> accumulators,
                                std::string& text);
  // Writes vector `name` to the kernel's result number `result`, which lies
  // at `map` of the loops.
  void printStore(unsigned result, mlir::RankedTensorType type,
                  mlir::AffineMap map, llvm::StringRef name, const Position& at,
                  std::string& text);

  // The least power of two that divides the address of the first of `width`
  // neighbours in slice `slice` at any position: `offset` elements past one
  // that is a multiple of `width`.
  unsigned alignmentOf(unsigned slice, unsigned width, int64_t offset) const;
  // {row, column} of an element of a tensor of `type` read through `map`.
  std::pair<std::string, std::string> indexOf(mlir::RankedTensorType type,
                                              mlir::AffineMap map,
                                              const Position& at) const;
  std::string at(unsigned slice,
                 const std::pair<std::string, std::string>& rowAndColumn) const;
  mlir::Type elementOf(unsigned slice) const { return elements_[slice]; }
  unsigned captures() const { return captures_; }

private:
  mlir::FailureOr<llvm::SmallVector<std::string>>
  readOperands(mlir::linalg::GenericOp op, const Position& at,
               std::string& text);
  std::string readSlice(const Place& place, mlir::RankedTensorType type,
                        mlir::AffineMap map, const Position& at,
                        llvm::StringRef name, std::string& text);

  llvm::SmallVector<kernels::cuda::SliceInfo> slices_;
  llvm::SmallVector<mlir::Type> elements_;
  std::string views_;
  unsigned captures_;
  bool fast_ = true;
  unsigned count_ = 0;
  llvm::DenseMap<mlir::Value, Place> places_;
};

// `expr` if it is loop `last` plus a constant: the constant.
std::optional<int64_t> offsetFrom(mlir::AffineExpr expr, unsigned last);
// `map` without its last result.
mlir::AffineMap leadingOf(mlir::AffineMap map);
// Declares the dims that the linear index `from` stands for, each a line.
void printDims(llvm::ArrayRef<int64_t> extents, llvm::StringRef from,
               llvm::StringRef indent, std::string& text);

} // namespace burin
