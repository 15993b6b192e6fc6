// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// CHECK-LABEL: @floats
// CHECK: burin.argmax %{{.*}} : tensor<2x7xbf16>
// LOWER-LABEL: @floats
// LOWER: arith.constant 0xFF800000 : f32
// LOWER: arith.maximumf
// LOWER: linalg.index 1
// LOWER: arith.cmpf oeq
// LOWER: arith.cmpf uno
// LOWER: arith.minsi
func.func @floats(%x: tensor<2x7xbf16>)
    -> tensor<2xi64> {
  // expected-remark @below {{2 operations, 44 bytes}}
  %y = burin.argmax %x : tensor<2x7xbf16>
  return %y : tensor<2xi64>
}

// CHECK-LABEL: @integers
// CHECK: burin.argmax %{{.*}} : tensor<2x7xi64>
// LOWER-LABEL: @integers
// LOWER: arith.constant -9223372036854775808 : i64
// LOWER: arith.maxsi
// LOWER: arith.cmpi eq
// LOWER: arith.minsi
func.func @integers(%x: tensor<2x7xi64>)
    -> tensor<2xi64> {
  // expected-remark @below {{2 operations, 128 bytes}}
  %y = burin.argmax %x : tensor<2x7xi64>
  return %y : tensor<2xi64>
}

// -----

func.func @invalid(%x: tensor<2x0xf32>) {
  // expected-error @below {{input is [2, 0], needs a last axis with elements}}
  %y = burin.argmax %x : tensor<2x0xf32>
  return
}

// -----

func.func @invalid(%x: tensor<f32>) {
  // expected-error @below {{needs a last axis with elements}}
  %y = burin.argmax %x : tensor<f32>
  return
}
