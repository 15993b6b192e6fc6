// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// LOWER-DAG: #[[ONE:.*]] = affine_map<(d0, d1) -> (0, 0)>
// LOWER-DAG: #[[ALL:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// LOWER-DAG: #[[LAST:.*]] = affine_map<(d0, d1) -> (d1)>

// CHECK-LABEL: @choose
// CHECK: burin.select %{{.*}}, %{{.*}}, %{{.*}} : tensor<1x1xbf16>, tensor<2x3xbf16>, tensor<3xbf16>
// LOWER-LABEL: @choose
// LOWER: linalg.generic {indexing_maps = [#[[ONE]], #[[ALL]], #[[LAST]], #[[ALL]]]
// LOWER: ^bb0(%[[C:.*]]: bf16, %[[A:.*]]: bf16, %[[B:.*]]: bf16, %{{.*}}: bf16):
// LOWER: %[[WIDE:.*]] = arith.extf %[[C]] : bf16 to f32
// LOWER: %[[HOLDS:.*]] = arith.cmpf une, %[[WIDE]], %{{.*}} : f32
// LOWER: arith.select %[[HOLDS]], %{{.*}}, %{{.*}} : f32
func.func @choose(%c: tensor<1x1xbf16>, %a: tensor<2x3xbf16>,
                  %b: tensor<3xbf16>) -> tensor<2x3xbf16> {
  // expected-remark @below {{6 operations, 32 bytes}}
  %y = burin.select %c, %a, %b
    : tensor<1x1xbf16>, tensor<2x3xbf16>, tensor<3xbf16>
  return %y : tensor<2x3xbf16>
}

// -----

func.func @invalid(%c: tensor<1xf32>, %a: tensor<3xbf16>) {
  // expected-error @below {{operands hold 'bf16' and 'f32'; cast one}}
  %y = burin.select %c, %a, %a : tensor<1xf32>, tensor<3xbf16>, tensor<3xbf16>
  return
}

// -----

func.func @invalid(%c: tensor<2xf32>, %a: tensor<3xf32>) {
  // expected-error @below {{shapes [2] and [3] do not broadcast}}
  %y = burin.select %c, %a, %a : tensor<2xf32>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

func.func @invalid(%c: tensor<2xi64>) {
  // expected-error @below {{operand #0 must be statically shaped tensor of}}
  %y = burin.select %c, %c, %c : tensor<2xi64>, tensor<2xi64>, tensor<2xi64>
  return
}
