// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --canonicalize | FileCheck %s --check-prefix=CANON

// CHECK-LABEL: @concat
// CHECK: burin.concat %{{.*}}, %{{.*}} axis 1 : tensor<2x3x4xf32>, tensor<2x5x4xf32>
// LOWER-LABEL: @concat
// LOWER: tensor.insert_slice %{{.*}}[0, 0, 0] [2, 3, 4] [1, 1, 1]
// LOWER: tensor.insert_slice %{{.*}}[0, 3, 0] [2, 5, 4] [1, 1, 1]
func.func @concat(%a: tensor<2x3x4xf32>, %b: tensor<2x5x4xf32>)
    -> tensor<2x8x4xf32> {
  // expected-remark @below {{0 operations, 512 bytes}}
  %y = burin.concat %a, %b axis 1 : tensor<2x3x4xf32>, tensor<2x5x4xf32>
  return %y : tensor<2x8x4xf32>
}

// CHECK-LABEL: @single
// CHECK: burin.concat %{{.*}} axis 0 : tensor<2x3xf32>
// CANON-LABEL: @single
// CANON-NEXT: return %{{.*}} : tensor<2x3xf32>
func.func @single(%a: tensor<2x3xf32>)
    -> tensor<2x3xf32> {
  // expected-remark @below {{0 operations, 48 bytes}}
  %y = burin.concat %a axis 0 : tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

func.func @invalid(%a: tensor<2x3xf32>) {
  // expected-error @below {{axis 2 is not one of 2}}
  %y = burin.concat %a axis 2 : tensor<2x3xf32>
  return
}

// -----

func.func @invalid(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error @below {{only axis 0 may differ}}
  %y = burin.concat %a, %b axis 0 : tensor<2x3xf32>, tensor<2x4xf32>
  return
}

// -----

func.func @invalid(%a: tensor<2x3xf32>, %b: tensor<2x3xbf16>) {
  // expected-error @below {{only axis 0 may differ}}
  %y = burin.concat %a, %b axis 0 : tensor<2x3xf32>, tensor<2x3xbf16>
  return
}
