// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --canonicalize | FileCheck %s --check-prefix=CANON

// CHECK-LABEL: @conv2d
// CHECK: burin.conv2d %{{.*}}, %{{.*}} stride 2 padding [0, 0, 1, 1] : tensor<1x8x8x4xf32>, tensor<6x4x3x3xf32>
func.func @conv2d(%x: tensor<1x8x8x4xf32>, %w: tensor<6x4x3x3xf32>)
    -> tensor<1x4x4x6xf32> {
  // expected-remark @below {{6912 operations, 2272 bytes; calls contract.f32 [1, 4, 4, 8, 8, 4, 3, 3, 2, 0, 0, 1, 6] on 2 operands, tiled, operand 1 by pack_contract.f32 [6, 4, 3, 3, 6, 0] into 2304 bytes}}
  %y = burin.conv2d %x, %w stride 2 padding [0, 0, 1, 1]
    : tensor<1x8x8x4xf32>, tensor<6x4x3x3xf32>
  return %y : tensor<1x4x4x6xf32>
}

// CHECK-LABEL: @upsampled
// CHECK: burin.conv2d %{{.*}}, %{{.*}} stride 1 padding [1, 1, 1, 1] upsample 2 : tensor<1x8x8x3xbf16>, tensor<6x3x3x3xf16>
func.func @upsampled(%x: tensor<1x8x8x3xbf16>, %w: tensor<6x3x3x3xf16>)
    -> tensor<1x16x16x6xbf16> {
  // expected-remark @below {{82944 operations, 3780 bytes; calls contract.bf16 [1, 16, 16, 8, 8, 3, 3, 3, 1, 1, 1, 2, 6] on 2 operands, tiled, operand 1 by pack_contract.bf16 [6, 3, 3, 3, 4, 0] into 1152 bytes}}
  %y = burin.conv2d %x, %w stride 1 padding [1, 1, 1, 1] upsample 2
    : tensor<1x8x8x3xbf16>, tensor<6x3x3x3xf16>
  return %y : tensor<1x16x16x6xbf16>
}

// CHECK-LABEL: @transposed
// CHECK: burin.conv2d %{{.*}}, %{{.*}} stride 1 padding [1, 1, 1, 1] transposed : tensor<1x4x4x6xf32>, tensor<6x4x3x3xf32>
func.func @transposed(%x: tensor<1x4x4x6xf32>, %w: tensor<6x4x3x3xf32>)
    -> tensor<1x4x4x4xf32> {
  // expected-remark @below {{6912 operations, 1504 bytes; calls contract.f32 [1, 4, 4, 4, 4, 6, 3, 3, 1, 1, 1, 1, 4] on 2 operands, tiled, operand 1 by pack_transposed.f32 [4, 6, 3, 3, 6, 0] into 3456 bytes}}
  %y = burin.conv2d %x, %w stride 1 padding [1, 1, 1, 1] transposed
    : tensor<1x4x4x6xf32>, tensor<6x4x3x3xf32>
  return %y : tensor<1x4x4x4xf32>
}

// CANON-LABEL: @enlarged
// CANON-NOT: upsample_nearest
// CANON: burin.conv2d %{{.*}} stride 1 padding [1, 1, 1, 1] upsample 2
func.func @enlarged(%x: tensor<1x8x8x4xf32>, %w: tensor<6x4x3x3xf32>)
    -> tensor<1x16x16x6xf32> {
  // expected-remark @below {{operations}}
  %0 = burin.upsample_nearest %x factor 2 : tensor<1x8x8x4xf32>
  // expected-remark @below {{operations}}
  %y = burin.conv2d %0, %w stride 1 padding [1, 1, 1, 1]
    : tensor<1x16x16x4xf32>, tensor<6x4x3x3xf32>
  return %y : tensor<1x16x16x6xf32>
}

// -----

func.func @invalid(%x: tensor<8x8x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{input is [8, 8, 4], needs [batch, height, width, channels]}}
  %y = burin.conv2d %x, %w stride 1 padding [0, 0, 0, 0]
    : tensor<8x8x4xf32>, tensor<6x4x3x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x8x8x4xf32>, %w: tensor<6x8x3x3xf32>) {
  // expected-error @below {{weight is [6, 8, 3, 3], needs [outputs, 4, height, width]}}
  %y = burin.conv2d %x, %w stride 1 padding [0, 0, 0, 0]
    : tensor<1x8x8x4xf32>, tensor<6x8x3x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x8x8x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{transposed weight is [6, 4, 3, 3], needs [4, outputs, height, width]}}
  %y = burin.conv2d %x, %w stride 1 padding [0, 0, 0, 0] transposed
    : tensor<1x8x8x4xf32>, tensor<6x4x3x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x8x8x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{stride and upsample need at least 1}}
  %y = burin.conv2d %x, %w stride 0 padding [0, 0, 0, 0]
    : tensor<1x8x8x4xf32>, tensor<6x4x3x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x8x8x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{padding is [1, 1], needs four extents of at least 0}}
  %y = burin.conv2d %x, %w stride 1 padding [1, 1]
    : tensor<1x8x8x4xf32>, tensor<6x4x3x3xf32>
  return
}

// -----

func.func @invalid(%x: tensor<1x2x8x4xf32>, %w: tensor<6x4x3x3xf32>) {
  // expected-error @below {{kernel [3, 3] is larger than the padded input}}
  %y = burin.conv2d %x, %w stride 1 padding [0, 0, 0, 0]
    : tensor<1x2x8x4xf32>, tensor<6x4x3x3xf32>
  return
}
