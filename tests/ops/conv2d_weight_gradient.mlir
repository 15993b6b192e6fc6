// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @skewed
// CHECK: burin.conv2d_weight_gradient %{{.*}}, %{{.*}} kernel [3, 3] stride 2 padding [0, 0, 1, 1] : tensor<2x8x8x4xbf16>, tensor<2x4x4x6xbf16>
func.func @skewed(%x: tensor<2x8x8x4xbf16>, %dy: tensor<2x4x4x6xbf16>)
    -> tensor<6x4x3x3xf32> {
  // expected-remark @below {{13824 operations, 2272 bytes; calls weight_gradient.bf16 [2, 4, 4, 8, 8, 4, 3, 3, 2, 0, 0, 1, 6] on 2 operands}}
  %dw = burin.conv2d_weight_gradient %x, %dy kernel [3, 3] stride 2
    padding [0, 0, 1, 1] : tensor<2x8x8x4xbf16>, tensor<2x4x4x6xbf16>
  return %dw : tensor<6x4x3x3xf32>
}

// A linear layer's.
func.func @rows(%x: tensor<1x1x40x4xf32>, %dy: tensor<1x1x40x6xf32>)
    -> tensor<6x4x1x1xf32> {
  // expected-remark @below {{1920 operations, 1696 bytes; calls weight_gradient.f32 [1, 1, 40, 1, 40, 4, 1, 1, 1, 0, 0, 1, 6] on 2 operands}}
  %dw = burin.conv2d_weight_gradient %x, %dy kernel [1, 1] stride 1
    padding [0, 0, 0, 0] : tensor<1x1x40x4xf32>, tensor<1x1x40x6xf32>
  return %dw : tensor<6x4x1x1xf32>
}

func.func @enlarged(%x: tensor<1x4x4x3xf32>, %dy: tensor<1x8x8x5xf32>)
    -> tensor<5x3x3x3xf32> {
  // expected-remark @below {{17280 operations, 2012 bytes; calls weight_gradient.f32 [1, 8, 8, 4, 4, 3, 3, 3, 1, 1, 1, 2, 5] on 2 operands}}
  %dw = burin.conv2d_weight_gradient %x, %dy kernel [3, 3] stride 1
    padding [1, 1, 1, 1] upsample 2
    : tensor<1x4x4x3xf32>, tensor<1x8x8x5xf32>
  return %dw : tensor<5x3x3x3xf32>
}

// -----

func.func @invalid(%x: tensor<8x8x4xf32>, %dy: tensor<1x8x8x6xf32>) {
  // expected-error @below {{needs [batch, height, width, channels] of one type}}
  %dw = burin.conv2d_weight_gradient %x, %dy kernel [3, 3] stride 1
    padding [1, 1, 1, 1] : tensor<8x8x4xf32>, tensor<1x8x8x6xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x8x8x4xf32>, %dy: tensor<1x8x8x6xf32>) {
  // expected-error @below {{kernel is [3], needs two extents of at least 1}}
  %dw = burin.conv2d_weight_gradient %x, %dy kernel [3] stride 1
    padding [1, 1, 1, 1] : tensor<1x8x8x4xf32>, tensor<1x8x8x6xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x8x8x4xf32>, %dy: tensor<1x8x8x6xf32>) {
  // expected-error @below {{stride and upsample need at least 1}}
  %dw = burin.conv2d_weight_gradient %x, %dy kernel [3, 3] stride 0
    padding [1, 1, 1, 1] : tensor<1x8x8x4xf32>, tensor<1x8x8x6xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x8x8x4xf32>, %dy: tensor<1x8x8x6xf32>) {
  // expected-error @below {{padding is [1, -1, 1, 1], needs four extents of at least 0}}
  %dw = burin.conv2d_weight_gradient %x, %dy kernel [3, 3] stride 1
    padding [1, -1, 1, 1] : tensor<1x8x8x4xf32>, tensor<1x8x8x6xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x8x8x4xf32>, %dy: tensor<1x8x7x6xf32>) {
  // expected-error @below {{cotangent is [1, 8, 7, 6], the convolution's result is [1, 8, 8, 6]}}
  %dw = burin.conv2d_weight_gradient %x, %dy kernel [3, 3] stride 1
    padding [1, 1, 1, 1] : tensor<1x8x8x4xf32>, tensor<1x8x7x6xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x8x8x4xf64>, %dy: tensor<1x8x8x6xf64>) {
  // expected-error @below {{has no kernel for 'f64'; cast to f32 or bf16}}
  %dw = burin.conv2d_weight_gradient %x, %dy kernel [3, 3] stride 1
    padding [1, 1, 1, 1] : tensor<1x8x8x4xf64>, tensor<1x8x8x6xf64>
  return
}
