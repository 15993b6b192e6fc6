// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --canonicalize | FileCheck %s --check-prefix=CANON

// LOWER-DAG: #[[READ:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// LOWER-DAG: #[[WRITE:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// LOWER-DAG: #[[TURN:.*]] = affine_map<(d0, d1, d2) -> (d1, d2, d0)>

// CHECK-LABEL: @swap
// CHECK: burin.transpose %{{.*}} [0, 2, 1] : tensor<2x3x4xf32>
// LOWER-LABEL: @swap
// LOWER: linalg.generic {indexing_maps = [#[[READ]], #[[WRITE]]]
func.func @swap(%x: tensor<2x3x4xf32>)
    -> tensor<2x4x3xf32> {
  // expected-remark @below {{0 operations, 192 bytes}}
  %y = burin.transpose %x [0, 2, 1] : tensor<2x3x4xf32>
  return %y : tensor<2x4x3xf32>
}

// CHECK-LABEL: @turn
// CHECK: burin.transpose %{{.*}} [2, 0, 1] : tensor<2x3x4xf32>
// LOWER-LABEL: @turn
// LOWER: linalg.generic {indexing_maps = [#[[TURN]], #[[WRITE]]]
func.func @turn(%x: tensor<2x3x4xf32>)
    -> tensor<4x2x3xf32> {
  // expected-remark @below {{0 operations, 192 bytes}}
  %y = burin.transpose %x [2, 0, 1] : tensor<2x3x4xf32>
  return %y : tensor<4x2x3xf32>
}

// CHECK-LABEL: @same
// CHECK: burin.transpose %{{.*}} [0, 1] : tensor<2x3xf32>
// CANON-LABEL: @same
// CANON-NEXT: return %{{.*}} : tensor<2x3xf32>
func.func @same(%x: tensor<2x3xf32>)
    -> tensor<2x3xf32> {
  // expected-remark @below {{0 operations, 48 bytes}}
  %y = burin.transpose %x [0, 1] : tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{[0, 0] is no order of 2 axes}}
  %y = burin.transpose %x [0, 0] : tensor<2x3xf32>
  return
}
