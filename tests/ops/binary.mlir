// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// LOWER-DAG: #[[ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// LOWER-DAG: #[[LAST:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// LOWER-DAG: #[[MIDDLE:.*]] = affine_map<(d0, d1, d2) -> (d0, 0, d2)>

// CHECK-LABEL: @bias
// CHECK: burin.binary "add" %{{.*}}, %{{.*}} : tensor<2x3x4xbf16>, tensor<4xbf16>
// LOWER-LABEL: @bias
// LOWER: linalg.generic {indexing_maps = [#[[ALL]], #[[LAST]], #[[ALL]]]
// LOWER: arith.extf
// LOWER-NEXT: arith.extf
// LOWER-NEXT: arith.addf %{{.*}} : f32
// LOWER-NEXT: arith.truncf
func.func @bias(%x: tensor<2x3x4xbf16>, %b: tensor<4xbf16>)
    -> tensor<2x3x4xbf16> {
  // expected-remark @below {{24 operations, 104 bytes}}
  %y = burin.binary "add" %x, %b : tensor<2x3x4xbf16>, tensor<4xbf16>
  return %y : tensor<2x3x4xbf16>
}

// CHECK-LABEL: @spread
// CHECK: burin.binary "mul" %{{.*}}, %{{.*}} : tensor<2x3x4xf32>, tensor<2x1x4xf32>
// LOWER-LABEL: @spread
// LOWER: linalg.generic {indexing_maps = [#[[ALL]], #[[MIDDLE]], #[[ALL]]]
// LOWER: arith.mulf %{{.*}} : f32
func.func @spread(%x: tensor<2x3x4xf32>, %s: tensor<2x1x4xf32>)
    -> tensor<2x3x4xf32> {
  // expected-remark @below {{24 operations, 224 bytes}}
  %y = burin.binary "mul" %x, %s : tensor<2x3x4xf32>, tensor<2x1x4xf32>
  return %y : tensor<2x3x4xf32>
}

// CHECK-LABEL: @whole
// CHECK: burin.binary "max" %{{.*}}, %{{.*}} : tensor<2xi64>, tensor<1xi64>
// LOWER-LABEL: @whole
// LOWER: arith.maxsi
func.func @whole(%x: tensor<2xi64>, %s: tensor<1xi64>)
    -> tensor<2xi64> {
  // expected-remark @below {{2 operations, 40 bytes}}
  %y = burin.binary "max" %x, %s : tensor<2xi64>, tensor<1xi64>
  return %y : tensor<2xi64>
}

// -----

func.func @invalid(%x: tensor<2x3xf32>) {
  // expected-error @below {{has no kind 'mod'}}
  %y = burin.binary "mod" %x, %x : tensor<2x3xf32>, tensor<2x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x3xf32>, %b: tensor<3xbf16>) {
  // expected-error @below {{operands hold 'f32' and 'bf16'; cast one}}
  %y = burin.binary "add" %x, %b : tensor<2x3xf32>, tensor<3xbf16>
  return
}

// -----

func.func @invalid(%x: tensor<2x3xf32>, %b: tensor<2xf32>) {
  // expected-error @below {{shapes [2, 3] and [2] do not broadcast}}
  %y = burin.binary "add" %x, %b : tensor<2x3xf32>, tensor<2xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2xi32>) {
  // expected-error @below {{kind 'div' needs floats, not 'i32'}}
  %y = burin.binary "div" %x, %x : tensor<2xi32>, tensor<2xi32>
  return
}
