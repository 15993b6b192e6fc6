// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops | FileCheck %s --check-prefix=LOWER

// CHECK-LABEL: @shortcut
// CHECK: burin.conv2d_shortcut %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} stride 1 padding [1, 1, 1, 1] : tensor<2x4x4x8xbf16>, tensor<6x8x3x3xf32>, tensor<2x4x4x16xbf16>, tensor<6x16x1x1xf32>
// LOWER-LABEL: @shortcut
// LOWER: %[[MAIN:.+]] = burin.conv2d %arg0, %arg1 stride 1 padding [1, 1, 1, 1]
// LOWER-NEXT: %[[POINT:.+]] = burin.conv2d %arg2, %arg3 stride 1 padding [0, 0, 0, 0]
// LOWER-NEXT: %[[SUM:.+]] = burin.binary "add" %[[MAIN]], %[[POINT]]
// LOWER-NEXT: return %[[SUM]]
func.func @shortcut(%h: tensor<2x4x4x8xbf16>, %w: tensor<6x8x3x3xf32>,
                    %x: tensor<2x4x4x16xbf16>, %v: tensor<6x16x1x1xf32>)
    -> tensor<2x4x4x6xbf16> {
  // expected-remark @below {{33792 operations, 4032 bytes; calls contract_shortcut.bf16 [2, 4, 4, 4, 4, 8, 3, 3, 1, 1, 1, 1, 6, 16] on 4 operands, tiled}}
  %y = burin.conv2d_shortcut %h, %w, %x, %v stride 1 padding [1, 1, 1, 1]
    : tensor<2x4x4x8xbf16>, tensor<6x8x3x3xf32>, tensor<2x4x4x16xbf16>,
      tensor<6x16x1x1xf32>
  return %y : tensor<2x4x4x6xbf16>
}

// CHECK-LABEL: @strided
// CHECK: burin.conv2d_shortcut {{.*}} stride 2 padding [0, 0, 1, 1]
func.func @strided(%h: tensor<1x8x8x8xf32>, %w: tensor<6x8x3x3xf32>,
                   %x: tensor<1x4x4x16xf32>, %v: tensor<6x16x1x1xf32>)
    -> tensor<1x4x4x6xf32> {
  // expected-remark @below {{calls contract_shortcut.f32 [1, 4, 4, 8, 8, 8, 3, 3, 2, 0, 0, 1, 6, 16] on 4 operands, tiled}}
  %y = burin.conv2d_shortcut %h, %w, %x, %v stride 2 padding [0, 0, 1, 1]
    : tensor<1x8x8x8xf32>, tensor<6x8x3x3xf32>, tensor<1x4x4x16xf32>,
      tensor<6x16x1x1xf32>
  return %y : tensor<1x4x4x6xf32>
}

// -----

func.func @invalid(%h: tensor<1x4x4x8xf32>, %w: tensor<6x4x3x3xf32>,
                   %x: tensor<1x4x4x16xf32>, %v: tensor<6x16x1x1xf32>) {
  // expected-error @below {{weight is [6, 4, 3, 3], needs [outputs, 8, height, width]}}
  %y = burin.conv2d_shortcut %h, %w, %x, %v stride 1 padding [1, 1, 1, 1]
    : tensor<1x4x4x8xf32>, tensor<6x4x3x3xf32>, tensor<1x4x4x16xf32>,
      tensor<6x16x1x1xf32>
  return
}

// -----

func.func @invalid(%h: tensor<1x4x4x8xf32>, %w: tensor<6x8x3x3xf32>,
                   %x: tensor<1x4x5x16xf32>, %v: tensor<6x16x1x1xf32>) {
  // expected-error @below {{shortcut is [1, 4, 5, 16], needs [1, 4, 4, channels]}}
  %y = burin.conv2d_shortcut %h, %w, %x, %v stride 1 padding [1, 1, 1, 1]
    : tensor<1x4x4x8xf32>, tensor<6x8x3x3xf32>, tensor<1x4x5x16xf32>,
      tensor<6x16x1x1xf32>
  return
}

// -----

func.func @invalid(%h: tensor<1x4x4x8xf32>, %w: tensor<6x8x3x3xf32>,
                   %x: tensor<1x4x4x16xbf16>, %v: tensor<6x16x1x1xf32>) {
  // expected-error @below {{shortcut has elements of 'bf16', needs the input's 'f32'}}
  %y = burin.conv2d_shortcut %h, %w, %x, %v stride 1 padding [1, 1, 1, 1]
    : tensor<1x4x4x8xf32>, tensor<6x8x3x3xf32>, tensor<1x4x4x16xbf16>,
      tensor<6x16x1x1xf32>
  return
}

// -----

func.func @invalid(%h: tensor<1x4x4x8xf32>, %w: tensor<6x8x3x3xf32>,
                   %x: tensor<1x4x4x16xf32>, %v: tensor<6x16x3x3xf32>) {
  // expected-error @below {{projection is [6, 16, 3, 3], needs [6, 16, 1, 1]}}
  %y = burin.conv2d_shortcut %h, %w, %x, %v stride 1 padding [1, 1, 1, 1]
    : tensor<1x4x4x8xf32>, tensor<6x8x3x3xf32>, tensor<1x4x4x16xf32>,
      tensor<6x16x3x3xf32>
  return
}
