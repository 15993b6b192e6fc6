// SPDX-License-Identifier: Apache-2.0
// Fills the table of inner loops; compiled once per instruction set, with
// BURIN_ISA naming it.
#include "kernels/cpu/attention/softmax.h"
#include "kernels/cpu/attention_gradient/softmax_gradient.h"
#include "kernels/cpu/contract/expand.h"
#include "kernels/cpu/contract/tile.h"
#include "kernels/cpu/group_affine/moments.h"
#include "kernels/cpu/isa/isa.h"

#define BURIN_STRING_INNER(x) #x
#define BURIN_STRING(x) BURIN_STRING_INNER(x)

namespace burin::kernels::BURIN_ISA {

const Isa kIsa = {
    BURIN_STRING(BURIN_ISA),
    {multiplyRows<16>, multiplyRows<32>, multiplyRows<48>, multiplyRows<64>},
    softmax,
    softmaxGradient,
    moments<float>,
    moments<uint16_t>,
    scaleRows,
    expandRow,
    expandPairs,
};

} // namespace burin::kernels::BURIN_ISA
