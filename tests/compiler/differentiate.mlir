// RUN: burin-opt %s --split-input-file --verify-diagnostics \
// RUN:   --burin-differentiate | FileCheck %s

// Two readers of %a add up; %f, which no one asks about, costs nothing.
// CHECK-LABEL: @fan_out
// CHECK: %[[A:.+]] = burin.binary "mul" %arg0, %arg1
// CHECK: %[[LOSS:.+]] = burin.reshape
// CHECK: %[[C:.+]] = burin.binary "mul" %{{.+}}, %arg2 : tensor<3x4xf32>, tensor<4xf32>
// CHECK: %[[S:.+]] = burin.binary "mul" %[[C]], %{{.+}} : tensor<3x4xf32>, tensor<3x4xf32>
// CHECK-NEXT: %[[SUM:.+]] = burin.binary "add" %[[C]], %[[S]]
// CHECK-NEXT: %[[X:.+]] = burin.binary "mul" %[[SUM]], %arg1
// CHECK-NEXT: %[[WHOLE:.+]] = burin.binary "mul" %[[SUM]], %arg0
// CHECK-NEXT: %[[ROW:.+]] = burin.reduce "sum" %[[WHOLE]] axes [0]
// CHECK-NEXT: %[[W:.+]] = burin.reshape %[[ROW]] to [4]
// CHECK-NEXT: return %[[X]], %[[W]]
func.func @fan_out(%x: tensor<3x4xf32>, %w: tensor<4xf32>, %f: tensor<4xf32>)
    -> (tensor<3x4xf32>, tensor<4xf32>) {
  %a = burin.binary "mul" %x, %w : tensor<3x4xf32>, tensor<4xf32>
  %b = burin.unary "silu" %a : tensor<3x4xf32>
  %c = burin.binary "add" %b, %a : tensor<3x4xf32>, tensor<3x4xf32>
  %d = burin.binary "mul" %c, %f : tensor<3x4xf32>, tensor<4xf32>
  %s = burin.reduce "sum" %d axes [0, 1] : tensor<3x4xf32>
  %l = burin.reshape %s to [] : tensor<1x1xf32>
  %g:2 = burin.gradient %l wrt %x, %w
    : tensor<f32>, tensor<3x4xf32>, tensor<4xf32>
  return %g#0, %g#1 : tensor<3x4xf32>, tensor<4xf32>
}

// -----

// A gradient of a gradient: exp again.
// CHECK-LABEL: @twice
// CHECK-NOT: burin.gradient
// CHECK-COUNT-2: burin.unary "exp" %arg0
// CHECK: %[[E:.+]] = burin.unary "exp" %arg0
// CHECK-NEXT: %[[Y:.+]] = burin.binary "mul" %{{.+}}, %[[E]]
// CHECK-NEXT: return %[[Y]]
func.func @twice(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %y = burin.unary "exp" %x : tensor<1x1xf32>
  %dx = burin.gradient %y wrt %x : tensor<1x1xf32>, tensor<1x1xf32>
  %ddx = burin.gradient %dx wrt %x : tensor<1x1xf32>, tensor<1x1xf32>
  return %ddx : tensor<1x1xf32>
}

// -----

func.func @none(%t: tensor<3xf32>) -> tensor<3xf32> {
  // expected-error @below {{has no gradient}}
  %y = burin.timestep_embedding %t width 4 max_period 1.0e+04 shift 0.0
    : tensor<3xf32>
  %s = burin.reduce "sum" %y axes [0, 1] : tensor<3x4xf32>
  // expected-note @below {{which is asked for here}}
  %g = burin.gradient %s wrt %t : tensor<1x1xf32>, tensor<3xf32>
  return %g : tensor<3xf32>
}
