// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// CHECK-LABEL: @flipped
// CHECK: burin.timestep_embedding %{{.*}} width 4 max_period 1.000000e+04 shift 0.000000e+00 flip_sin_to_cos : tensor<3xbf16>
// LOWER-LABEL: @flipped
// LOWER: %[[J:.*]] = arith.index_cast
// LOWER: %[[FIRST:.*]] = arith.cmpi slt, %[[J]]
// LOWER: math.exp %{{.*}} : f64
// LOWER-NEXT: arith.truncf %{{.*}} : f64 to f32
// LOWER: %[[ANGLE:.*]] = arith.mulf
// LOWER-NEXT: %[[SIN:.*]] = math.sin %[[ANGLE]] : f32
// LOWER-NEXT: %[[COS:.*]] = math.cos %[[ANGLE]] : f32
// LOWER-NEXT: arith.select %[[FIRST]], %[[COS]], %[[SIN]] : f32
func.func @flipped(%t: tensor<3xbf16>)
    -> tensor<3x4xf32> {
  // expected-remark @below {{12 operations, 54 bytes}}
  %y = burin.timestep_embedding %t width 4 max_period 1.0e+04 shift 0.0 flip_sin_to_cos
    : tensor<3xbf16>
  return %y : tensor<3x4xf32>
}

// CHECK-LABEL: @odd
// CHECK: burin.timestep_embedding %{{.*}} width 5 max_period 1.000000e+04 shift 0.000000e+00 : tensor<3xf32>
// LOWER-LABEL: @odd
// LOWER: %[[SIN:.*]] = math.sin
// LOWER: %[[COS:.*]] = math.cos
// LOWER: %[[WAVE:.*]] = arith.select %{{.*}}, %[[SIN]], %[[COS]] : f32
// LOWER: arith.select %{{.*}}, %[[WAVE]], %{{.*}} : f32
func.func @odd(%t: tensor<3xf32>)
    -> tensor<3x5xf32> {
  // expected-remark @below {{15 operations, 72 bytes}}
  %y = burin.timestep_embedding %t width 5 max_period 1.0e+04 shift 0.0
    : tensor<3xf32>
  return %y : tensor<3x5xf32>
}

// -----

func.func @invalid(%t: tensor<3x1xf32>) {
  // expected-error @below {{time is [3, 1], needs [batch]}}
  %y = burin.timestep_embedding %t width 4 max_period 1.0e+04 shift 0.0 flip_sin_to_cos
    : tensor<3x1xf32>
  return
}

// -----

func.func @invalid(%t: tensor<3xf32>) {
  // expected-error @below {{width 1 is less than 2}}
  %y = burin.timestep_embedding %t width 1 max_period 1.0e+04 shift 0.0 flip_sin_to_cos
    : tensor<3xf32>
  return
}

// -----

func.func @invalid(%t: tensor<3xf32>) {
  // expected-error @below {{is not positive}}
  %y = burin.timestep_embedding %t width 4 max_period 0.0 shift 0.0 flip_sin_to_cos
    : tensor<3xf32>
  return
}

// -----

func.func @invalid(%t: tensor<3xf32>) {
  // expected-error @below {{is not less than width / 2}}
  %y = burin.timestep_embedding %t width 4 max_period 1.0e+04 shift 2.0 flip_sin_to_cos
    : tensor<3xf32>
  return
}
