// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// CHECK-LABEL: @half
// CHECK: burin.constant 5.000000e-01 : tensor<2x3xbf16>
// LOWER-LABEL: @half
// LOWER: %[[C:.*]] = arith.constant 5.000000e-01 : bf16
// LOWER: linalg.generic
// LOWER: linalg.yield %[[C]] : bf16
func.func @half()
    -> tensor<2x3xbf16> {
  // expected-remark @below {{0 operations, 12 bytes}}
  %y = burin.constant 0.5 : tensor<2x3xbf16>
  return %y : tensor<2x3xbf16>
}

// CHECK-LABEL: @whole
// CHECK: burin.constant -3.000000e+00 : tensor<2xi64>
// LOWER-LABEL: @whole
// LOWER: %[[C:.*]] = arith.constant -3 : i64
// LOWER: linalg.yield %[[C]] : i64
func.func @whole()
    -> tensor<2xi64> {
  // expected-remark @below {{0 operations, 16 bytes}}
  %y = burin.constant -3.0 : tensor<2xi64>
  return %y : tensor<2xi64>
}

// CHECK-LABEL: @infinite
// CHECK: burin.constant 0x7FF0000000000000 : tensor<1xf32>
func.func @infinite()
    -> tensor<1xf32> {
  // expected-remark @below {{0 operations, 4 bytes}}
  %y = burin.constant 0x7FF0000000000000 : tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

func.func @invalid() {
  // expected-error @below {{value 5.000000e-01 is not a number of}}
  %y = burin.constant 0.5 : tensor<2xi32>
  return
}

// -----

func.func @invalid() {
  // expected-error @below {{is not a number of}}
  %y = burin.constant 3.0e+09 : tensor<2xi32>
  return
}
