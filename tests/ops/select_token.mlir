// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @select_token
// CHECK: burin.select_token %{{.*}}, %{{.*}} : tensor<2x5x8xf32>, tensor<2xi64>
func.func @select_token(%x: tensor<2x5x8xf32>, %i: tensor<2xi64>)
    -> tensor<2x8xf32> {
  // expected-remark @below {{0 operations, 128 bytes; calls gather_rows [10, 8, 2, 2, 4, 8] on 2 operands}}
  %y = burin.select_token %x, %i : tensor<2x5x8xf32>, tensor<2xi64>
  return %y : tensor<2x8xf32>
}

// -----

func.func @invalid(%x: tensor<5x8xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{input is [5, 8], needs [batch, tokens, width]}}
  %y = burin.select_token %x, %i : tensor<5x8xf32>, tensor<2xi64>
  return
}

// -----

func.func @invalid(%x: tensor<2x5x8xf32>, %i: tensor<3xi64>) {
  // expected-error @below {{index is [3], needs [2]}}
  %y = burin.select_token %x, %i : tensor<2x5x8xf32>, tensor<3xi64>
  return
}
