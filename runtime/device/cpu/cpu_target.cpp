// SPDX-License-Identifier: Apache-2.0
// Compares the processor's features with the x86-64 levels.
#include "runtime/device/cpu/cpu_target.h"

#include <string>

namespace burin {
namespace {
constexpr std::string_view kV3 = "x86-64-v3";
constexpr std::string_view kV4 = "x86-64-v4";

bool hasV3() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

bool hasV4() {
  return hasV3() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
} // namespace

Result<std::string_view> hostTarget() {
  if (hasV4())
    return kV4;
  if (hasV3())
    return kV3;
  return unavailable("this processor lacks AVX2 and FMA; Burin needs an "
                     "x86-64-v3 processor (Intel Haswell, AMD Zen or newer)");
}

Status checkTarget(std::string_view target) {
  if ((target == kV4 && hasV4()) || (target == kV3 && hasV3()))
    return okStatus();
  if (target == kV4 || target == kV3)
    return unavailable("the module is compiled for " + std::string(target) +
                       ", which this processor does not support; compile it "
                       "on this machine");
  return unavailable("the module is compiled for the unknown target '" +
                     std::string(target) + "'; the CPU runs " +
                     std::string(kV3) + " and " + std::string(kV4));
}

} // namespace burin
