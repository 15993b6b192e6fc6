// SPDX-License-Identifier: Apache-2.0
// Library calls that several ops share.
#pragma once

#include "compiler/dialect/interfaces.h"

#include "llvm/ADT/StringRef.h"

namespace burin {

// "<family>.f32", "<family>.bf16" or, which only cards have, "<family>.f16" by
// the elements of `input`; for any other type a diagnostic and failure.
mlir::FailureOr<std::string>
kernelFor(mlir::Operation* op, llvm::StringRef family, mlir::Value input);

// The geometry of kernel "contract" (kernels/cpu/contracts.h).
struct Contraction {
  int64_t batch = 1;
  int64_t outHeight = 1;
  int64_t outWidth = 1;
  int64_t inHeight = 1;
  int64_t inWidth = 1;
  int64_t channels;
  int64_t kernelHeight = 1;
  int64_t kernelWidth = 1;
  int64_t stride = 1;
  int64_t padTop = 0;
  int64_t padLeft = 0;
  int64_t upsample = 1;
  int64_t outChannels;
};

// That of a convolution to `output`; `padding` begins with top and left.
Contraction convolution(mlir::Value input, mlir::Value weight,
                        mlir::Value output, int64_t stride,
                        llvm::ArrayRef<int64_t> padding, int64_t upsample = 1);

// The call of "contract" on `input` and the packed form of `weights`, stacked
// along the outputs; processors take one. Of `transposed` weights inputs come
// first and taps in reverse.
mlir::FailureOr<LibraryCall> contraction(mlir::Operation* op, mlir::Value input,
                                         mlir::ValueRange weights,
                                         const Contraction& geometry,
                                         bool transposed = false);

// The parameters of "attention", which its gradient shares, and the pairs of a
// query and a key that a head of a sample multiplies: of a causal mask half.
llvm::SmallVector<int64_t> attentionParams(mlir::Value query, mlir::Value key,
                                           int64_t heads, bool causal,
                                           double scale);
int64_t attentionPairs(mlir::Value query, mlir::Value key, bool causal);

// The parameters of "group_affine", which "group_norm" shares.
llvm::SmallVector<int64_t> groupParams(mlir::Value input, mlir::Value gamma,
                                       int64_t groups, double eps);

// The call of "gather_rows" on a table of `rows` rows, split into `groups`.
LibraryCall gatherRows(mlir::Value table, mlir::Value index, int64_t rows,
                       int64_t width, int64_t groups);

} // namespace burin
