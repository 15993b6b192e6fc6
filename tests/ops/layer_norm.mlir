// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// CHECK-LABEL: @layer_norm
// CHECK: burin.layer_norm %{{.*}}, %{{.*}}, %{{.*}} eps 1.000000e-05 : tensor<5x8xbf16>, tensor<8xf32>, tensor<8xf32>
// LOWER-LABEL: @layer_norm
// LOWER: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// LOWER: arith.extf
// LOWER-NEXT: %[[SUM:.*]] = arith.addf
// LOWER-NEXT: linalg.yield %[[SUM]] : f32
// LOWER: arith.divf
// LOWER: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// LOWER: %[[CENTRED:.*]] = arith.subf
// LOWER-NEXT: %[[SQUARE:.*]] = arith.mulf %[[CENTRED]], %[[CENTRED]]
// LOWER: math.rsqrt
// LOWER: linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
// LOWER: arith.truncf
func.func @layer_norm(%x: tensor<5x8xbf16>,
                      %g: tensor<8xf32>,
                      %b: tensor<8xf32>)
    -> tensor<5x8xbf16> {
  // expected-remark @below {{320 operations, 224 bytes}}
  %y = burin.layer_norm %x, %g, %b eps 1.0e-05
    : tensor<5x8xbf16>, tensor<8xf32>, tensor<8xf32>
  return %y : tensor<5x8xbf16>
}

// -----

func.func @invalid(%x: tensor<5x8xf32>, %g: tensor<4xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{gamma and beta need [8], one is [4]}}
  %y = burin.layer_norm %x, %g, %b eps 1.0e-05
    : tensor<5x8xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

func.func @invalid(%x: tensor<f32>, %g: tensor<4xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{input needs at least one axis}}
  %y = burin.layer_norm %x, %g, %b eps 1.0e-05
    : tensor<f32>, tensor<4xf32>, tensor<4xf32>
  return
}
