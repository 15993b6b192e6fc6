// RUN: burin-opt %s --burin-fold-shortcuts=target=sm_90a \
// RUN:   | FileCheck %s --check-prefixes=CHECK,FOLDS
// RUN: burin-opt %s --burin-fold-shortcuts=target=sm_80 \
// RUN:   | FileCheck %s --check-prefixes=CHECK,APART
// RUN: burin-opt %s --burin-fold-shortcuts \
// RUN:   | FileCheck %s --check-prefixes=CHECK,APART

// The end of a residual block whose channels change. Both biases follow, and
// whatever else reads the shortcut's input still does.
// CHECK-LABEL: @block
// FOLDS: %[[WHOLE:.+]] = burin.conv2d_shortcut %arg0, %[[W:.+]], %arg1, %[[V:.+]] stride 1 padding [1, 1, 1, 1]
// FOLDS-NEXT: %[[FIRST:.+]] = burin.binary "add" %[[WHOLE]], %[[B:.+]] : tensor<2x8x8x64xbf16>, tensor<64xbf16>
// FOLDS-NEXT: %[[SECOND:.+]] = burin.binary "add" %[[FIRST]], %[[C:.+]] : tensor<2x8x8x64xbf16>, tensor<64xbf16>
// FOLDS-NOT: burin.conv2d
// FOLDS: return %[[SECOND]]
// APART-NOT: burin.conv2d_shortcut
func.func @block(%h: tensor<2x8x8x32xbf16>, %x: tensor<2x8x8x96xbf16>)
    -> (tensor<2x8x8x64xbf16>, tensor<2x8x8x96xbf16>) {
  %w = burin.parameter "w" : tensor<64x32x3x3xbf16>
  %0 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
    : tensor<2x8x8x32xbf16>, tensor<64x32x3x3xbf16>
  %b = burin.parameter "b" : tensor<64xbf16>
  %1 = burin.binary "add" %0, %b : tensor<2x8x8x64xbf16>, tensor<64xbf16>
  %v = burin.parameter "v" : tensor<64x96x1x1xbf16>
  %2 = burin.conv2d %x, %v stride 1 padding [0, 0, 0, 0]
    : tensor<2x8x8x96xbf16>, tensor<64x96x1x1xbf16>
  %c = burin.parameter "c" : tensor<64xbf16>
  %3 = burin.binary "add" %c, %2 : tensor<64xbf16>, tensor<2x8x8x64xbf16>
  %4 = burin.binary "add" %1, %3
    : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
  %5 = burin.unary "silu" %x : tensor<2x8x8x96xbf16>
  return %4, %5 : tensor<2x8x8x64xbf16>, tensor<2x8x8x96xbf16>
}

// The shortcut may be the first of the two.
// CHECK-LABEL: @first
// FOLDS: burin.conv2d_shortcut %arg0, %arg2, %arg1, %arg3 stride 1
// FOLDS-NEXT: return
// APART-NOT: burin.conv2d_shortcut
func.func @first(%h: tensor<2x8x8x32xf16>, %x: tensor<2x8x8x96xf16>,
                 %w: tensor<64x32x3x3xf32>, %v: tensor<64x96x1x1xf32>)
    -> tensor<2x8x8x64xf16> {
  %0 = burin.conv2d %x, %v stride 1 padding [0, 0, 0, 0]
    : tensor<2x8x8x96xf16>, tensor<64x96x1x1xf32>
  %1 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
    : tensor<2x8x8x32xf16>, tensor<64x32x3x3xf32>
  %2 = burin.binary "add" %0, %1 : tensor<2x8x8x64xf16>, tensor<2x8x8x64xf16>
  return %2 : tensor<2x8x8x64xf16>
}

// Other kernels serve float32,
// CHECK-LABEL: @wide
// CHECK-NOT: burin.conv2d_shortcut
// CHECK: return
func.func @wide(%h: tensor<2x8x8x32xf32>, %x: tensor<2x8x8x96xf32>,
                %w: tensor<64x32x3x3xf32>, %v: tensor<64x96x1x1xf32>)
    -> tensor<2x8x8x64xf32> {
  %0 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
    : tensor<2x8x8x32xf32>, tensor<64x32x3x3xf32>
  %1 = burin.conv2d %x, %v stride 1 padding [0, 0, 0, 0]
    : tensor<2x8x8x96xf32>, tensor<64x96x1x1xf32>
  %2 = burin.binary "add" %0, %1 : tensor<2x8x8x64xf32>, tensor<2x8x8x64xf32>
  return %2 : tensor<2x8x8x64xf32>
}

// few outputs,
// CHECK-LABEL: @few
// CHECK-NOT: burin.conv2d_shortcut
// CHECK: return
func.func @few(%h: tensor<2x8x8x32xbf16>, %x: tensor<2x8x8x96xbf16>,
               %w: tensor<4x32x3x3xf32>, %v: tensor<4x96x1x1xf32>)
    -> tensor<2x8x8x4xbf16> {
  %0 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
    : tensor<2x8x8x32xbf16>, tensor<4x32x3x3xf32>
  %1 = burin.conv2d %x, %v stride 1 padding [0, 0, 0, 0]
    : tensor<2x8x8x96xbf16>, tensor<4x96x1x1xf32>
  %2 = burin.binary "add" %0, %1 : tensor<2x8x8x4xbf16>, tensor<2x8x8x4xbf16>
  return %2 : tensor<2x8x8x4xbf16>
}

// a shortcut whose rows begin where no 16 bytes do,
// CHECK-LABEL: @odd_window
// CHECK-NOT: burin.conv2d_shortcut
// CHECK: return
func.func @odd_window(%h: tensor<2x8x8x32xbf16>, %x: tensor<2x8x8x100xbf16>,
                      %w: tensor<64x32x3x3xf32>, %v: tensor<64x96x1x1xf32>)
    -> tensor<2x8x8x64xbf16> {
  %0 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
    : tensor<2x8x8x32xbf16>, tensor<64x32x3x3xf32>
  %1 = burin.slice %x axis 3 start 4 size 96 : tensor<2x8x8x100xbf16>
  %2 = burin.conv2d %1, %v stride 1 padding [0, 0, 0, 0]
    : tensor<2x8x8x96xbf16>, tensor<64x96x1x1xf32>
  %3 = burin.binary "add" %0, %2
    : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
  return %3 : tensor<2x8x8x64xbf16>
}

// and an input that is enlarged.
// CHECK-LABEL: @enlarged
// CHECK-NOT: burin.conv2d_shortcut
// CHECK: return
func.func @enlarged(%h: tensor<2x4x4x32xbf16>, %x: tensor<2x8x8x96xbf16>,
                    %w: tensor<64x32x3x3xf32>, %v: tensor<64x96x1x1xf32>)
    -> tensor<2x8x8x64xbf16> {
  %0 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1] upsample 2
    : tensor<2x4x4x32xbf16>, tensor<64x32x3x3xf32>
  %1 = burin.conv2d %x, %v stride 1 padding [0, 0, 0, 0]
    : tensor<2x8x8x96xbf16>, tensor<64x96x1x1xf32>
  %2 = burin.binary "add" %0, %1
    : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
  return %2 : tensor<2x8x8x64xbf16>
}

// Two kernels of 3x3 taps are no shortcut, nor is one that skips pixels.
// CHECK-LABEL: @no_projection
// CHECK-NOT: burin.conv2d_shortcut
// CHECK: return
func.func @no_projection(%h: tensor<2x8x8x32xbf16>, %x: tensor<2x16x16x96xbf16>,
                         %w: tensor<64x32x3x3xf32>, %v: tensor<64x96x1x1xf32>)
    -> (tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>) {
  %0 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
    : tensor<2x8x8x32xbf16>, tensor<64x32x3x3xf32>
  %1 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
    : tensor<2x8x8x32xbf16>, tensor<64x32x3x3xf32>
  %2 = burin.binary "add" %0, %1
    : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
  %3 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
    : tensor<2x8x8x32xbf16>, tensor<64x32x3x3xf32>
  %4 = burin.conv2d %x, %v stride 2 padding [0, 0, 0, 0]
    : tensor<2x16x16x96xbf16>, tensor<64x96x1x1xf32>
  %5 = burin.binary "add" %3, %4
    : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
  return %2, %5 : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
}

// A shortcut that others read must exist anyway.
// CHECK-LABEL: @read_twice
// CHECK-NOT: burin.conv2d_shortcut
// CHECK: return
func.func @read_twice(%h: tensor<2x8x8x32xbf16>, %x: tensor<2x8x8x96xbf16>,
                      %w: tensor<64x32x3x3xf32>, %v: tensor<64x96x1x1xf32>)
    -> (tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>) {
  %0 = burin.conv2d %h, %w stride 1 padding [1, 1, 1, 1]
    : tensor<2x8x8x32xbf16>, tensor<64x32x3x3xf32>
  %1 = burin.conv2d %x, %v stride 1 padding [0, 0, 0, 0]
    : tensor<2x8x8x96xbf16>, tensor<64x96x1x1xf32>
  %2 = burin.binary "add" %0, %1
    : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
  return %1, %2 : tensor<2x8x8x64xbf16>, tensor<2x8x8x64xbf16>
}
