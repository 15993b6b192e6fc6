// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --canonicalize | FileCheck %s --check-prefix=CANON

// LOWER-DAG: #[[READ:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 floordiv 2, d2 floordiv 2, d3)>

// CHECK-LABEL: @twice
// CHECK: burin.upsample_nearest %{{.*}} factor 2 : tensor<1x2x3x4xf32>
// LOWER-LABEL: @twice
// LOWER: linalg.generic {indexing_maps = [#[[READ]], #{{.*}}]
func.func @twice(%x: tensor<1x2x3x4xf32>)
    -> tensor<1x4x6x4xf32> {
  // expected-remark @below {{0 operations, 480 bytes}}
  %y = burin.upsample_nearest %x factor 2 : tensor<1x2x3x4xf32>
  return %y : tensor<1x4x6x4xf32>
}

// CHECK-LABEL: @same
// CHECK: burin.upsample_nearest %{{.*}} factor 1 : tensor<1x2x3x4xf32>
// CANON-LABEL: @same
// CANON-NEXT: return %{{.*}} : tensor<1x2x3x4xf32>
func.func @same(%x: tensor<1x2x3x4xf32>)
    -> tensor<1x2x3x4xf32> {
  // expected-remark @below {{0 operations, 192 bytes}}
  %y = burin.upsample_nearest %x factor 1 : tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{input is [2, 3], needs [batch, height, width, channels]}}
  %y = burin.upsample_nearest %x factor 2 : tensor<2x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x2x3x4xf32>) {
  // expected-error @below {{factor 0 is less than 1}}
  %y = burin.upsample_nearest %x factor 0 : tensor<1x2x3x4xf32>
  return
}
