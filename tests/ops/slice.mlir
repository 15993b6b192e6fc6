// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --canonicalize | FileCheck %s --check-prefix=CANON

// LOWER: #[[READ:.+]] = affine_map<(d0, d1) -> (d0, d1 + 2)>
// CHECK-LABEL: @slice
// CHECK: burin.slice %{{.*}} axis 1 start 2 size 3 : tensor<2x7xf32>
// LOWER-LABEL: @slice
// LOWER: linalg.generic
// LOWER-SAME: #[[READ]]
func.func @slice(%x: tensor<2x7xf32>)
    -> tensor<2x3xf32> {
  // expected-remark @below {{0 operations, 80 bytes}}
  %y = burin.slice %x axis 1 start 2 size 3 : tensor<2x7xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @all
// CHECK: burin.slice %{{.*}} axis 1 start 0 size 3 : tensor<2x3xf32>
// CANON-LABEL: @all
// CANON-NEXT: return %{{.*}} : tensor<2x3xf32>
func.func @all(%x: tensor<2x3xf32>)
    -> tensor<2x3xf32> {
  // expected-remark @below {{0 operations, 48 bytes}}
  %y = burin.slice %x axis 1 start 0 size 3 : tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{axis 2 is not one of 2}}
  %y = burin.slice %x axis 2 start 0 size 1 : tensor<2x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{start 2 and size 2 leave an axis of 3}}
  %y = burin.slice %x axis 1 start 2 size 2 : tensor<2x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{start -1 and size 2 leave an axis of 3}}
  %y = burin.slice %x axis 1 start -1 size 2 : tensor<2x3xf32>
  return
}
