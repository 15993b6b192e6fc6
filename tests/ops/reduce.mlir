// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// LOWER-DAG: #[[READ:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>
// LOWER-DAG: #[[WRITE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>

// CHECK-LABEL: @mean
// CHECK: burin.reduce "mean" %{{.*}} axes [1] : tensor<2x3x4xbf16>
// LOWER-LABEL: @mean
// LOWER: linalg.generic {indexing_maps = [#[[READ]], #[[WRITE]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// LOWER: arith.addf
// LOWER: arith.divf
// LOWER-NEXT: arith.truncf
func.func @mean(%x: tensor<2x3x4xbf16>)
    -> tensor<2x1x4xbf16> {
  // expected-remark @below {{24 operations, 64 bytes}}
  %y = burin.reduce "mean" %x axes [1] : tensor<2x3x4xbf16>
  return %y : tensor<2x1x4xbf16>
}

// CHECK-LABEL: @max
// CHECK: burin.reduce "max" %{{.*}} axes [0, 1] : tensor<2x3xf32>
// LOWER-LABEL: @max
// LOWER: arith.constant 0xFF800000 : f32
// LOWER: iterator_types = ["parallel", "reduction", "reduction"]
// LOWER: arith.maximumf
func.func @max(%x: tensor<2x3xf32>)
    -> tensor<1x1xf32> {
  // expected-remark @below {{6 operations, 28 bytes}}
  %y = burin.reduce "max" %x axes [0, 1] : tensor<2x3xf32>
  return %y : tensor<1x1xf32>
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{has no kind 'min'}}
  %y = burin.reduce "min" %x axes [0] : tensor<2x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{axes [1, 0] need to ascend within 2}}
  %y = burin.reduce "sum" %x axes [1, 0] : tensor<2x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{axes [2] need to ascend within 2}}
  %y = burin.reduce "sum" %x axes [2] : tensor<2x3xf32>
  return
}
