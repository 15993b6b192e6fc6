// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// CHECK-LABEL: @silu
// CHECK: burin.unary "silu" %{{.*}} : tensor<2x3xbf16>
// LOWER-LABEL: @silu
// LOWER: linalg.generic
// LOWER: ^bb0(%[[IN:.*]]: bf16, %{{.*}}: bf16):
// LOWER-NEXT: %[[X:.*]] = arith.extf %[[IN]] : bf16 to f32
// LOWER-NEXT: %[[NEG:.*]] = arith.negf %[[X]] : f32
// LOWER-NEXT: %[[Z:.*]] = math.exp %[[NEG]] : f32
// LOWER-NEXT: %[[SUM:.*]] = arith.addf %[[Z]], %{{.*}} : f32
// LOWER-NEXT: %[[S:.*]] = arith.divf %{{.*}}, %[[SUM]] : f32
// LOWER-NEXT: %[[Y:.*]] = arith.mulf %[[X]], %[[S]] : f32
// LOWER-NEXT: %[[OUT:.*]] = arith.truncf %[[Y]] : f32 to bf16
// LOWER-NEXT: linalg.yield %[[OUT]] : bf16
func.func @silu(%x: tensor<2x3xbf16>)
    -> tensor<2x3xbf16> {
  // expected-remark @below {{6 operations, 24 bytes}}
  %y = burin.unary "silu" %x : tensor<2x3xbf16>
  return %y : tensor<2x3xbf16>
}

// CHECK-LABEL: @gelu
// CHECK: burin.unary "gelu" %{{.*}} : tensor<2x3xf64>
// LOWER-LABEL: @gelu
// LOWER: math.erf %{{.*}} : f64
func.func @gelu(%x: tensor<2x3xf64>)
    -> tensor<2x3xf64> {
  // expected-remark @below {{6 operations, 96 bytes}}
  %y = burin.unary "gelu" %x : tensor<2x3xf64>
  return %y : tensor<2x3xf64>
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{has no kind 'relu6'}}
  %y = burin.unary "relu6" %x : tensor<2x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2xi32>) {
  // expected-error @below {{operand #0 must be statically shaped tensor of}}
  %y = burin.unary "silu" %x : tensor<2xi32>
  return
}
