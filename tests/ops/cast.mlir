// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --canonicalize | FileCheck %s --check-prefix=CANON

// CHECK-LABEL: @narrow
// CHECK: burin.cast %{{.*}} : tensor<2x3xf32> to bf16
// LOWER-LABEL: @narrow
// LOWER: arith.truncf %{{.*}} : f32 to bf16
func.func @narrow(%x: tensor<2x3xf32>)
    -> tensor<2x3xbf16> {
  // expected-remark @below {{6 operations, 36 bytes}}
  %y = burin.cast %x : tensor<2x3xf32> to bf16
  return %y : tensor<2x3xbf16>
}

// CHECK-LABEL: @across
// CHECK: burin.cast %{{.*}} : tensor<2xf16> to bf16
// LOWER-LABEL: @across
// LOWER: arith.extf %{{.*}} : f16 to f32
// LOWER-NEXT: arith.truncf %{{.*}} : f32 to bf16
func.func @across(%x: tensor<2xf16>)
    -> tensor<2xbf16> {
  // expected-remark @below {{2 operations, 8 bytes}}
  %y = burin.cast %x : tensor<2xf16> to bf16
  return %y : tensor<2xbf16>
}

// CHECK-LABEL: @whole
// CHECK: burin.cast %{{.*}} : tensor<2xi64> to f32
// LOWER-LABEL: @whole
// LOWER: arith.sitofp
func.func @whole(%x: tensor<2xi64>)
    -> tensor<2xf32> {
  // expected-remark @below {{2 operations, 24 bytes}}
  %y = burin.cast %x : tensor<2xi64> to f32
  return %y : tensor<2xf32>
}

// CHECK-LABEL: @same
// CHECK: burin.cast %{{.*}} : tensor<2x3xf32> to f32
// CANON-LABEL: @same
// CANON-NEXT: return %{{.*}} : tensor<2x3xf32>
func.func @same(%x: tensor<2x3xf32>)
    -> tensor<2x3xf32> {
  // expected-remark @below {{6 operations, 48 bytes}}
  %y = burin.cast %x : tensor<2x3xf32> to f32
  return %y : tensor<2x3xf32>
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{cannot convert to 'i1'}}
  %y = burin.cast %x : tensor<2x3xf32> to i1
  return
}
