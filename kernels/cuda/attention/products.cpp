// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/attention/products.h"

namespace burin::kernels::cuda {
namespace {

std::string operand(int number) {
  return "%" + std::to_string(number);
}

// `count` items, printed by `item` and set apart by commas.
template <typename Item>
std::string list(int count, Item item) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += (i > 0 ? "," : "") + item(i);
  return text;
}

std::string instruction(int n, bool half) {
  const std::string type = half ? "f16" : "bf16";
  return "wgmma.mma_async.sync.aligned.m64n" + std::to_string(n) + "k16.f32." +
         type + "." + type;
}

// `a` is how the first operand is declared, written in the instruction and
// bound; it takes `registers` of the operands' numbers. `flags`: signs, and
// which operands lie along the summed dimension.
struct FirstOperand {
  std::string declared, written, bound;
  int registers;
  std::string flags;
};

// Four registers of two elements each, after `n / 2` sums.
FirstOperand registersAfter(int n, const std::string& flags) {
  const auto written = [n](int i) { return operand(n / 2 + i); };
  const auto bound = [](int i) {
    return "\"r\"(a[" + std::to_string(i) + "])";
  };
  return {.declared = "const u32 (&a)[4]",
          .written = "{" + list(4, written) + "}",
          .bound = list(4, bound),
          .registers = 4,
          .flags = flags};
}

std::string product(const std::string& name, int n, bool half,
                    const FirstOperand& a) {
  const int sums = n / 2;
  const int b = sums + a.registers, accumulate = b + 1;
  const std::string count = std::to_string(sums);
  return "template <>\nstruct " + name + "<" + std::to_string(n) +
         "> {\n  static __device__ __forceinline__ void add(float (&d)[" +
         count + "], " + a.declared +
         ", u64 b, int accumulate) {\n    asm volatile(\"{.reg .pred p; "
         "setp.ne.b32 p, " +
         operand(accumulate) + ", 0;\"\n    \"" + instruction(n, half) + " {" +
         list(sums, operand) + "}, " + a.written + ", " + operand(b) + ", p, " +
         a.flags + ";}\"\n    : " +
         list(sums,
              [](int i) { return "\"+f\"(d[" + std::to_string(i) + "])"; }) +
         "\n    : " + a.bound + ", \"l\"(b), \"r\"(accumulate));\n  }\n};\n";
}

} // namespace

std::string scoreProduct(int n, bool half) {
  return product("ScoreProduct", n, half,
                 {.declared = "u64 a",
                  .written = operand(n / 2),
                  .bound = "\"l\"(a)",
                  .registers = 1,
                  .flags = "1, 1, 0, 0"});
}

std::string heldScoreProduct(int n, bool half) {
  return product("HeldScoreProduct", n, half, registersAfter(n, "1, 1, 0"));
}

std::string outputProduct(int n, bool half) {
  return product("OutputProduct", n, half, registersAfter(n, "1, 1, 1"));
}

std::string alongProduct(int n, bool half) {
  return product("AlongProduct", n, half,
                 {.declared = "u64 a",
                  .written = operand(n / 2),
                  .bound = "\"l\"(a)",
                  .registers = 1,
                  .flags = "1, 1, 1, 1"});
}

} // namespace burin::kernels::cuda
