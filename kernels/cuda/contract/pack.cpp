// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/cuda/contract/geometry.h"
#include "kernels/cuda/contract/plan.h"

namespace burin::kernels::cuda {
namespace {

// The rows of the padded matrix, over all gates, that a weight fills. It also
// fills the padding behind a gate whose last row it has.
struct PaddedRows {
  int64_t begin, end;
};
PaddedRows paddedRows(const ContractGeometry& g, int64_t first, int64_t rows) {
  const auto padded = [&](int64_t row) {
    return row / g.outputs * g.paddedOutputs() + row % g.outputs;
  };
  const int64_t last = first + rows - 1;
  const bool endsGate = (last + 1) % g.outputs == 0;
  return {padded(first), endsGate ? (last / g.outputs + 1) * g.paddedOutputs()
                                  : padded(last) + 1};
}

PackShape packShape(const ContractGeometry& g, int64_t taps, int64_t rows,
                    int64_t firstRow, int64_t firstPadded,
                    const PackOptions& options) {
  const auto number = [](int64_t value) { return static_cast<int>(value); };
  const bool shortcut = options.shortcut;
  return {.outputs = number(g.outputs),
          .paddedOutputs = number(g.paddedOutputs()),
          .gates = number(g.gates),
          .phases = number(g.phases),
          .channels = number(shortcut ? g.shortcutChannels : g.channels),
          .chunks = number(shortcut ? g.shortcutChunks() : g.chunks()),
          .taps = number(taps),
          .rows = number(rows),
          .transposed = options.transposed,
          .firstRow = number(firstRow),
          .firstPadded = number(firstPadded),
          .columns = number(g.packedColumns()),
          .firstColumn = number(shortcut ? g.taps() * g.chunks() * kChunk : 0),
          .chunksPerBlock =
              std::max(1, number(kPackElements / (kChunk * taps)))};
}

std::string packSource(const std::string& symbol, const std::string& from,
                       const std::string& to) {
  return "#include \"contract/pack.cuh\"\n"
         "extern \"C\" __global__ void __launch_bounds__(kPackThreads)\n" +
         symbol +
         "(const __grid_constant__ Views<2> views,\n"
         "    const __grid_constant__ PackShape shape) {\n"
         "  packContract<" +
         from + ", " + to + ">(views.view, shape);\n}\n";
}

} // namespace

Result<LaunchPlan> planPackContract(std::span<const int64_t> contractParams,
                                    DType weightDType, int64_t rows,
                                    int64_t firstRow, DType dtype, bool gated,
                                    const Target& target,
                                    const PackOptions& options) {
  BURIN_ASSIGN(const ContractGeometry g,
               contractGeometry(contractParams, gated));
  BURIN_ASSIGN(const std::string from, elementText(weightDType, "weights"));
  BURIN_ASSIGN(const std::string to, elementText(dtype, "input"));
  const int64_t all = g.gates * g.outputs;
  if (rows < 1 || firstRow < 0 || firstRow > all - rows)
    return invalidArgument("packing " + std::to_string(rows) +
                           " rows from row " + std::to_string(firstRow) +
                           " of a contraction with " + std::to_string(all) +
                           " output channels");
  if (options.shortcut && g.shortcutChannels == 0)
    return invalidArgument("packing the shortcut of a contraction that has "
                           "none");
  const int64_t taps = options.shortcut
                           ? 1
                           : contractParams[kContractKernelHeight] *
                                 contractParams[kContractKernelWidth];
  const PaddedRows padded = paddedRows(g, firstRow, rows);
  const PackShape shape =
      packShape(g, taps, rows, firstRow, padded.begin, options);
  LaunchPlan plan;
  plan.symbol = "pack_contract_" + std::string(name(weightDType)) + "_" +
                std::string(name(dtype));
  plan.source = packSource(plan.symbol, from, to);
  plan.blocks = {
      static_cast<uint32_t>(padded.end - padded.begin),
      static_cast<uint32_t>((shape.chunks + shape.chunksPerBlock - 1) /
                            shape.chunksPerBlock),
      1};
  plan.threads = kPackThreads;
  plan.constants = bytesOf(shape);
  return plan;
}

} // namespace burin::kernels::cuda
