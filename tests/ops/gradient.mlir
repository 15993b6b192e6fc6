// RUN: burin-opt %s --split-input-file --verify-diagnostics \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @gradient
// CHECK: burin.gradient %{{.*}} wrt %{{.*}}, %{{.*}} : tensor<f32>, tensor<4x3xf32>, tensor<3xbf16>
func.func @gradient(%loss: tensor<f32>, %w: tensor<4x3xf32>, %b: tensor<3xbf16>)
    -> (tensor<4x3xf32>, tensor<3xbf16>) {
  %dw, %db = burin.gradient %loss wrt %w, %b
    : tensor<f32>, tensor<4x3xf32>, tensor<3xbf16>
  return %dw, %db : tensor<4x3xf32>, tensor<3xbf16>
}

// CHECK-LABEL: @second
// CHECK: burin.gradient %{{.*}} wrt %{{.*}} : tensor<1x1xf32>, tensor<1x1xf32>
// CHECK: burin.gradient %{{.*}} wrt %{{.*}} : tensor<1x1xf32>, tensor<1x1xf32>
func.func @second(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %y = burin.unary "exp" %x : tensor<1x1xf32>
  %dx = burin.gradient %y wrt %x : tensor<1x1xf32>, tensor<1x1xf32>
  %ddx = burin.gradient %dx wrt %x : tensor<1x1xf32>, tensor<1x1xf32>
  return %ddx : tensor<1x1xf32>
}

// -----

func.func @invalid(%loss: tensor<2xf32>, %w: tensor<4xf32>) {
  // expected-error @below {{loss is [2], needs one element; reduce it}}
  %0 = burin.gradient %loss wrt %w : tensor<2xf32>, tensor<4xf32>
  return
}

// -----

func.func @invalid(%loss: tensor<i64>, %w: tensor<4xf32>) {
  // expected-error @below {{operand #0 must be statically shaped tensor of}}
  %0 = burin.gradient %loss wrt %w : tensor<i64>, tensor<4xf32>
  return
}

// -----

func.func @invalid(%loss: tensor<f32>, %w: tensor<4xi32>) {
  // expected-error @below {{operand #1 must be variadic of statically shaped}}
  %0 = burin.gradient %loss wrt %w : tensor<f32>, tensor<4xi32>
  return
}

// -----

func.func @invalid(%loss: tensor<f32>) {
  // expected-error @below {{needs at least one value to differentiate}}
  // expected-error @below {{failed to infer returned types}}
  "burin.gradient"(%loss) : (tensor<f32>) -> ()
  return
}
