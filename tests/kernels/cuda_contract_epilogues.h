// SPDX-License-Identifier: Apache-2.0
// Epilogues as the compiler prints them, for tests of contractions.
#pragma once

#include <string>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

inline std::string storeText() {
  return R"(
__device__ __forceinline__ void storeRow(const View& to, int row, int column,
                                         const float (&value)[8], int outputs) {
  u16* p = static_cast<u16*>(to.data) + row * to.pitch + column;
  u32 pair[4];
#pragma unroll
  for (int i = 0; i < 4; ++i)
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;"
        : "=r"(pair[i]) : "f"(value[2 * i + 1]), "f"(value[2 * i]));
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(p),
               "r"(pair[0]), "r"(pair[1]), "r"(pair[2]), "r"(pair[3])
               : "memory");
}
)";
}

inline std::string epilogueHead(int64_t outputs, bool gated,
                                const std::string& operand) {
  return storeText() + "struct Epilogue {\n  static constexpr int kOutputs = " +
         std::to_string(outputs) +
         ";\n  static constexpr bool kGated = " + (gated ? "true" : "false") +
         ";\n  struct Operand { " + operand + " };\n";
}

// out = product
inline EpilogueText plainEpilogue(int64_t outputs) {
  return {.text = epilogueHead(outputs, false, "") + R"(
  __device__ Operand fetch(const View*, int, int) const { return {}; }
  __device__ void finish(const View* views, float (&value)[8], float (&)[8],
                         const Operand&, int row, int column) const {
    storeRow(views[0], row, column, value, kOutputs);
  }
};
)",
          .name = "plain_" + std::to_string(outputs),
          .gated = false,
          .slices = 1};
}

// out = silu(product + residual)
inline EpilogueText residualEpilogue(int64_t outputs) {
  return {.text = epilogueHead(outputs, false, "uint4 residual;") + R"(
  __device__ Operand fetch(const View* views, int row, int column) const {
    const u16* p = static_cast<const u16*>(views[1].data) +
                   row * views[1].pitch + column;
    return {*reinterpret_cast<const uint4*>(p)};
  }
  __device__ void finish(const View* views, float (&value)[8], float (&)[8],
                         const Operand& operand, int row, int column) const {
    const u32 pair[4] = {operand.residual.x, operand.residual.y,
                         operand.residual.z, operand.residual.w};
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const u32 bits = i % 2 ? pair[i / 2] & 0xffff0000u : pair[i / 2] << 16;
      const float y = value[i] + __uint_as_float(bits);
      value[i] = __fdividef(y, 1.0f + __expf(-y));
    }
    storeRow(views[0], row, column, value, kOutputs);
  }
};
)",
          .name = "residual_" + std::to_string(outputs),
          .gated = false,
          .slices = 2};
}

// out = value * gelu(gate)
inline EpilogueText gatedEpilogue(int64_t outputs) {
  return {.text = epilogueHead(outputs, true, "") + R"(
  __device__ Operand fetch(const View*, int, int) const { return {}; }
  __device__ void finish(const View* views, float (&value)[8],
                         float (&gate)[8], const Operand&, int row,
                         int column) const {
#pragma unroll
    for (int i = 0; i < 8; ++i)
      value[i] *= 0.5f * gate[i] * (1.0f + erff(gate[i] * 0.70710678f));
    storeRow(views[0], row, column, value, kOutputs);
  }
};
)",
          .name = "geglu_" + std::to_string(outputs),
          .gated = true,
          .slices = 1};
}

} // namespace burin::kernels::cuda
