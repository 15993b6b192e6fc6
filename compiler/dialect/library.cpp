// SPDX-License-Identifier: Apache-2.0
// Writes library calls as kernels/cpu/contracts.h wants them.
#include "compiler/dialect/library.h"

#include "compiler/dialect/inference.h"
#include "kernels/cpu/contracts.h"

using namespace mlir;

namespace burin {

FailureOr<std::string> kernelFor(Operation* op, StringRef family, Value input) {
  Type element = elementOf(input);
  if (!element.isF32() && !element.isBF16() && !element.isF16()) {
    op->emitOpError("has no kernel for ") << element << "; cast to f32 or bf16";
    return failure();
  }
  return (family + "." + name(*dtypeOf(element))).str();
}

Contraction convolution(Value input, Value weight, Value output, int64_t stride,
                        ArrayRef<int64_t> padding, int64_t upsample) {
  auto in = shapeOf(input), out = shapeOf(output), kernel = shapeOf(weight);
  return {.batch = in[0],
          .outHeight = out[1],
          .outWidth = out[2],
          .inHeight = in[1],
          .inWidth = in[2],
          .channels = in[3],
          .kernelHeight = kernel[2],
          .kernelWidth = kernel[3],
          .stride = stride,
          .padTop = padding[0],
          .padLeft = padding[1],
          .upsample = upsample,
          .outChannels = out[3]};
}

FailureOr<LibraryCall> contraction(Operation* op, Value input,
                                   ValueRange weights,
                                   const Contraction& geometry,
                                   bool transposed) {
  auto kernel = kernelFor(op, "contract", input);
  if (failed(kernel))
    return failure();
  const Contraction& g = geometry;
  LibraryCall call;
  call.kernel = *kernel;
  call.operands = {input};
  llvm::append_range(call.operands, weights);
  call.params = {g.batch,      g.outHeight, g.outWidth,     g.inHeight,
                 g.inWidth,    g.channels,  g.kernelHeight, g.kernelWidth,
                 g.stride,     g.padTop,    g.padLeft,      g.upsample,
                 g.outChannels};
  const DType dtype = *dtypeOf(elementOf(input));
  const bool folds = kernels::contractFolds(call.params, dtype);
  Packing packing;
  packing.operand = 1;
  packing.kernel = (transposed ? "pack_transposed." : "pack_contract.") +
                   std::string(name(dtype));
  packing.params = {g.outChannels,
                    g.channels,
                    g.kernelHeight,
                    g.kernelWidth,
                    static_cast<int64_t>(*dtypeOf(elementOf(weights[0]))),
                    folds};
  packing.bytes = kernels::packedContractBytes(
      g.outChannels, g.channels, g.kernelHeight, g.kernelWidth, dtype, folds);
  call.packings = {packing};
  call.tiled = true;
  return call;
}

SmallVector<int64_t> attentionParams(Value query, Value key, int64_t heads,
                                     bool causal, double scale) {
  auto shape = shapeOf(query);
  return {shape[0],         shape[1], shapeOf(key)[1],           heads,
          shape[2] / heads, causal,   kernels::doubleBits(scale)};
}

int64_t attentionPairs(Value query, Value key, bool causal) {
  int64_t queries = shapeOf(query)[1];
  return causal ? queries * (queries + 1) / 2 : queries * shapeOf(key)[1];
}

SmallVector<int64_t> groupParams(Value input, Value gamma, int64_t groups,
                                 double eps) {
  auto shape = shapeOf(input);
  int64_t pixels = ShapedType::getNumElements(shape.drop_front().drop_back());
  return {shape.front(),
          pixels,
          shape.back(),
          groups,
          kernels::doubleBits(eps),
          static_cast<int64_t>(*dtypeOf(elementOf(gamma)))};
}

LibraryCall gatherRows(Value table, Value index, int64_t rows, int64_t width,
                       int64_t groups) {
  LibraryCall call;
  call.kernel = "gather_rows";
  call.operands = {table, index};
  call.params = {rows,
                 width,
                 tensorOf(index).getNumElements(),
                 groups,
                 tensorOf(table).getElementTypeBitWidth() / 8,
                 tensorOf(index).getElementTypeBitWidth() / 8};
  return call;
}

} // namespace burin
