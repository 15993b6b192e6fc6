// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @embedding
// CHECK: burin.embedding %{{.*}}, %{{.*}} : tensor<10x8xf16>, tensor<2x5xi64>
func.func @embedding(%t: tensor<10x8xf16>, %i: tensor<2x5xi64>)
    -> tensor<2x5x8xf16> {
  // expected-remark @below {{0 operations, 400 bytes; calls gather_rows [10, 8, 10, 1, 2, 8] on 2 operands}}
  %y = burin.embedding %t, %i : tensor<10x8xf16>, tensor<2x5xi64>
  return %y : tensor<2x5x8xf16>
}

// CHECK-LABEL: @narrow
// CHECK: burin.embedding %{{.*}}, %{{.*}} : tensor<10x8xf32>, tensor<3xi32>
func.func @narrow(%t: tensor<10x8xf32>, %i: tensor<3xi32>)
    -> tensor<3x8xf32> {
  // expected-remark @below {{0 operations, 204 bytes; calls gather_rows [10, 8, 3, 1, 4, 4] on 2 operands}}
  %y = burin.embedding %t, %i : tensor<10x8xf32>, tensor<3xi32>
  return %y : tensor<3x8xf32>
}

// -----

func.func @invalid(%t: tensor<10xf32>, %i: tensor<3xi32>) {
  // expected-error @below {{table is [10], needs [rows, width]}}
  %y = burin.embedding %t, %i : tensor<10xf32>, tensor<3xi32>
  return
}

// -----

func.func @invalid(%t: tensor<10x8xf32>, %i: tensor<3xf32>) {
  // expected-error @below {{operand #1 must be statically shaped tensor of}}
  %y = burin.embedding %t, %i : tensor<10x8xf32>, tensor<3xf32>
  return
}
