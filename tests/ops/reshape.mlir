// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --canonicalize | FileCheck %s --check-prefix=CANON

// LOWER-LABEL: @reshape
// LOWER: tensor.collapse_shape %{{.*}} into tensor<12xf32>
// LOWER: tensor.expand_shape %{{.*}} into tensor<3x4xf32>
// CHECK-LABEL: @reshape
// CHECK: burin.reshape %{{.*}} to [3, 4] : tensor<2x6xf32>
func.func @reshape(%x: tensor<2x6xf32>)
    -> tensor<3x4xf32> {
  // expected-remark @below {{0 operations, 96 bytes}}
  %y = burin.reshape %x to [3, 4] : tensor<2x6xf32>
  return %y : tensor<3x4xf32>
}

// CHECK-LABEL: @scalar
// CHECK: burin.reshape %{{.*}} to [1, 1] : tensor<f32>
func.func @scalar(%x: tensor<f32>)
    -> tensor<1x1xf32> {
  // expected-remark @below {{0 operations, 8 bytes}}
  %y = burin.reshape %x to [1, 1] : tensor<f32>
  return %y : tensor<1x1xf32>
}

// CANON-LABEL: @twice
// CANON-SAME: (%[[X:.*]]: tensor<2x6xf32>)
// CANON: burin.reshape %[[X]] to [3, 4] : tensor<2x6xf32>
// CANON-NOT: burin.reshape
func.func @twice(%x: tensor<2x6xf32>) -> tensor<3x4xf32> {
  // expected-remark @below {{0 operations}}
  %0 = burin.reshape %x to [12] : tensor<2x6xf32>
  // expected-remark @below {{0 operations}}
  %y = burin.reshape %0 to [3, 4] : tensor<12xf32>
  return %y : tensor<3x4xf32>
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{[2, 3] and [4, 2] have different numbers of elements}}
  %y = burin.reshape %x to [4, 2] : tensor<2x3xf32>
  return
}
