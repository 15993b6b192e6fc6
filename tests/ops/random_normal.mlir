// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @random_normal
// CHECK: burin.random_normal %{{.*}} shape [1, 4, 4, 4] : tensor<2xi64>
func.func @random_normal(%s: tensor<2xi64>)
    -> tensor<1x4x4x4xf32> {
  // expected-remark @below {{64 operations, 272 bytes; calls random_normal.f32 [64] on 1 operands}}
  %y = burin.random_normal %s shape [1, 4, 4, 4] : tensor<2xi64>
  return %y : tensor<1x4x4x4xf32>
}

// -----

func.func @invalid(%s: tensor<3xi64>) {
  // expected-error @below {{seed is [3], needs [2]: seed and offset}}
  %y = burin.random_normal %s shape [4] : tensor<3xi64>
  return
}

// -----

func.func @invalid(%s: tensor<2xi64>) {
  // expected-error @below {{cannot have shape [4, -1]}}
  %y = burin.random_normal %s shape [4, -1] : tensor<2xi64>
  return
}
