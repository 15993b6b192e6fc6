// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// LOWER-DAG: #[[ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
// LOWER-DAG: #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>

// CHECK-LABEL: @softmax
// CHECK: burin.softmax %{{.*}} axis 1 : tensor<2x3x4xf32>
// LOWER-LABEL: @softmax
// LOWER: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]]], iterator_types = ["parallel", "parallel", "reduction"]
// LOWER: arith.maximumf
// LOWER: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]], #[[ALL]]]
// LOWER: arith.subf
// LOWER-NEXT: math.exp
// LOWER: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]]]
// LOWER: arith.addf
// LOWER: linalg.generic {indexing_maps = [#[[ALL]], #[[ROW]], #[[ALL]]]
// LOWER: arith.divf
func.func @softmax(%x: tensor<2x3x4xf32>)
    -> tensor<2x3x4xf32> {
  // expected-remark @below {{120 operations, 192 bytes}}
  %y = burin.softmax %x axis 1 : tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{axis 2 is not one of 2}}
  %y = burin.softmax %x axis 2 : tensor<2x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{axis -1 is not one of 2}}
  %y = burin.softmax %x axis -1 : tensor<2x3xf32>
  return
}
