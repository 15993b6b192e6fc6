// SPDX-License-Identifier: Apache-2.0
#include "bench/cuda/epilogues.h"

#include <algorithm>
#include <string>

namespace burin::bench {
namespace {

struct Parts {
  const char* name = "store";
  int slices = 1;
  const char* operand = "";
  const char* fetch = "";
  const char* finish = "";
};

Parts partsOf(Epilogue epilogue) {
  switch (epilogue) {
  case Epilogue::kStore:
    break;
  case Epilogue::kSilu:
    return {"silu", 1, "", "", R"(
#pragma unroll
    for (int i = 0; i < 8; ++i)
      value[i] = fast::arithDivf(value[i], 1.0f + fast::mathExp(-value[i]));
)"};
  case Epilogue::kBias:
    return {"bias", 2, "", "", R"(
    addBias(views, value, column, valid);
)"};
  case Epilogue::kResidual:
    return {"residual", 3, "    Packed<Bf16, 8, kAlign> residual;\n", R"(
    ::fetch(at<const Bf16>(views[2], row, column), operand.residual, valid);
)",
            R"(
    addBias(views, value, column, valid);
    float residual[8];
    unpack(operand.residual, residual);
#pragma unroll
    for (int i = 0; i < 8; ++i)
      value[i] += residual[i];
)"};
  case Epilogue::kGate:
    return {"gate", 2, "", "", R"(
    addBias(views, value, column, valid);
    addBias(views, gate, column + kOutputs, valid);
#pragma unroll
    for (int i = 0; i < 8; ++i)
      value[i] *= 0.5f * gate[i] *
                  (1.0f + fast::mathErf(gate[i] * 0.70710678f));
)"};
  }
  return {};
}

constexpr const char* kHead = R"(#include "common/access.cuh"

struct Epilogue {
)";
constexpr const char* kBias = R"(
  static __device__ __forceinline__ void addBias(const View* views,
                                                 float (&sum)[8], int column,
                                                 int valid) {
    float bias[8];
    loadSomeConstant<kAlign>(at<const Bf16>(views[1], 0, column), bias, valid);
#pragma unroll
    for (int i = 0; i < 8; ++i)
      sum[i] += bias[i];
  }
)";
constexpr const char* kFetch = R"(
  __device__ __forceinline__ Operand fetch(const View* views, int row,
                                           int column) const {
    Operand operand;
    const int valid = validFrom(column);
)";
constexpr const char* kFinish = R"(    return operand;
  }
  __device__ __forceinline__ void finish(const View* views, float (&value)[8],
                                         float (&gate)[8],
                                         const Operand& operand, int row,
                                         int column) const {
    const int valid = validFrom(column);
)";
constexpr const char* kEnd =
    R"(    storeSome<kAlign>(at<Bf16>(views[0], row, column), value, valid);
  }
};
)";

// Bytes that divide the address of every eighth column of every row.
int64_t alignmentOf(int64_t outputs) {
  return std::min<int64_t>(2 * (outputs & -outputs), 16);
}

} // namespace

kernels::cuda::EpilogueText epilogueText(Epilogue epilogue, int64_t outputs) {
  const Parts parts = partsOf(epilogue);
  const bool gated = epilogue == Epilogue::kGate;
  std::string text = kHead;
  text += "  static constexpr int kOutputs = " + std::to_string(outputs) +
          ";\n  static constexpr bool kGated = " + (gated ? "true" : "false") +
          ";\n  static constexpr int kAlign = " +
          std::to_string(alignmentOf(outputs)) + ";\n  struct Operand {\n" +
          parts.operand +
          "  };\n  static __device__ __forceinline__ int "
          "validFrom(int column) {\n    return ";
  text += outputs % 8 == 0
              ? "8;\n  }\n"
              : "kOutputs - column < 8 ? kOutputs - column : 8;\n  }\n";
  text += kBias;
  text += std::string(kFetch) + parts.fetch + kFinish + parts.finish + kEnd;
  return {.text = std::move(text),
          .name = std::string("bench_") + parts.name + "_" +
                  std::to_string(outputs),
          .gated = gated,
          .slices = static_cast<uint32_t>(parts.slices)};
}

} // namespace burin::bench
