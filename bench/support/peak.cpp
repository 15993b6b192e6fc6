// SPDX-License-Identifier: Apache-2.0
// Independent chains of multiply-adds, in assembly so that nothing else is in
// the loop: 16 chains cover a latency of 4 on two units twice.
#include "bench/support/peak.h"

#include "bench/support/cpu_time.h"

#define BURIN_CHAINS(x)                                                        \
  x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13)
#define BURIN_CLOBBERS                                                         \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",      \
      "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define BURIN_AVX512(i) "vfmadd231ps %%zmm31, %%zmm30, %%zmm" #i "\n"
#define BURIN_AVX2(i) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" #i "\n"
#define BURIN_SSE(i) "mulps %%xmm15, %%xmm" #i "\n"

namespace burin::bench {
namespace {

constexpr int kChains = 14;
constexpr int kLoops = 200'000;

template <typename Body>
double rate(double flopsPerLoop, Body body) {
  const double start = threadSeconds();
  for (int i = 0; i < kLoops; ++i)
    body();
  return flopsPerLoop * kLoops / (threadSeconds() - start) * 1e-9;
}

} // namespace

double multiplyAddPeak(std::string_view instructionSet) {
  if (instructionSet == "avx512") {
    asm volatile("vzeroall\n vpxord %%zmm30, %%zmm30, %%zmm30\n"
                 "vpxord %%zmm31, %%zmm31, %%zmm31" ::
                     : "xmm0");
    return rate(2. * 16 * kChains, [] {
      asm volatile(BURIN_CHAINS(BURIN_AVX512)::: BURIN_CLOBBERS);
    });
  }
  if (instructionSet == "avx2") {
    asm volatile("vzeroall" ::: BURIN_CLOBBERS);
    return rate(2. * 8 * kChains, [] {
      asm volatile(BURIN_CHAINS(BURIN_AVX2)::: BURIN_CLOBBERS);
    });
  }
  // Without fused instructions a multiplication and an addition take a slot
  // each; the rate of one kind is the rate of pairs on two kinds of slots.
  asm volatile("xorps %%xmm15, %%xmm15" ::: BURIN_CLOBBERS);
  return rate(4. * kChains, [] {
    asm volatile(BURIN_CHAINS(BURIN_SSE)::: BURIN_CLOBBERS);
  });
}

} // namespace burin::bench
