// RUN: burin-opt %s --burin-decompose-composites \
// RUN:   | FileCheck %s --check-prefixes=CHECK,PARTS,CPU
// RUN: burin-opt %s --burin-decompose-composites=target=sm_90a \
// RUN:   | FileCheck %s --check-prefixes=CHECK,WHOLE,GPU
// RUN: burin-opt %s --burin-decompose-composites=target=sm_80 \
// RUN:   | FileCheck %s --check-prefixes=CHECK,WHOLE,GPU

// A GPU has kernels for it.
// CHECK-LABEL: @group_norm
// PARTS: %[[SCALE:.+]], %[[SHIFT:.+]] = burin.group_affine %arg0, %arg1, %arg2
// PARTS: %[[SCALED:.+]] = burin.binary "mul" %arg0, %[[SCALE]]
// PARTS: burin.binary "add" %[[SCALED]], %[[SHIFT]]
// PARTS-NOT: burin.group_norm
// WHOLE-NEXT: burin.group_norm
// WHOLE-NEXT: return
func.func @group_norm(%x: tensor<2x4x4x64xf32>, %g: tensor<64xf32>,
                      %b: tensor<64xf32>) -> tensor<2x4x4x64xf32> {
  %0 = burin.group_norm %x, %g, %b groups 32 eps 1.0e-05
    : tensor<2x4x4x64xf32>, tensor<64xf32>, tensor<64xf32>
  return %0 : tensor<2x4x4x64xf32>
}

// Of any size.
// CHECK-LABEL: @large
// PARTS: burin.group_affine
// PARTS-NOT: burin.group_norm
// WHOLE: burin.group_norm
// CHECK: return
func.func @large(%x: tensor<1x512x512x128xbf16>, %g: tensor<128xf32>,
                 %b: tensor<128xf32>) -> tensor<1x512x512x128xbf16> {
  %0 = burin.group_norm %x, %g, %b groups 32 eps 1.0e-05
    : tensor<1x512x512x128xbf16>, tensor<128xf32>, tensor<128xf32>
  return %0 : tensor<1x512x512x128xbf16>
}

// Vectors are of eight channels.
// CHECK-LABEL: @narrow
// CHECK: burin.group_affine
// CHECK-NOT: burin.group_norm
// CHECK: return
func.func @narrow(%x: tensor<1x8x8x36xbf16>, %g: tensor<36xf32>,
                  %b: tensor<36xf32>) -> tensor<1x8x8x36xbf16> {
  %0 = burin.group_norm %x, %g, %b groups 4 eps 1.0e-05
    : tensor<1x8x8x36xbf16>, tensor<36xf32>, tensor<36xf32>
  return %0 : tensor<1x8x8x36xbf16>
}

// Rows of this window begin where no 16 bytes do.
// CHECK-LABEL: @window
// CHECK: burin.group_affine
// CHECK-NOT: burin.group_norm
// CHECK: return
func.func @window(%x: tensor<2x4x4x104xbf16>, %g: tensor<64xf32>,
                  %b: tensor<64xf32>) -> tensor<2x4x4x64xbf16> {
  %0 = burin.slice %x axis 3 start 36 size 64 : tensor<2x4x4x104xbf16>
  %1 = burin.group_norm %0, %g, %b groups 32 eps 1.0e-05
    : tensor<2x4x4x64xbf16>, tensor<64xf32>, tensor<64xf32>
  return %1 : tensor<2x4x4x64xbf16>
}

// Nor do rows that will be written into a concatenation of odd width; an even
// one keeps them aligned.
// CHECK-LABEL: @odd_concatenation
// CHECK: burin.group_affine
// CHECK-NOT: burin.group_norm
// CHECK: return
func.func @odd_concatenation(%x: tensor<2x4x4x64xbf16>,
                             %y: tensor<2x4x4x4xbf16>, %g: tensor<64xf32>)
    -> (tensor<2x4x4x64xbf16>, tensor<2x4x4x68xbf16>) {
  %0 = burin.unary "silu" %x : tensor<2x4x4x64xbf16>
  %1 = burin.group_norm %0, %g, %g groups 32 eps 1.0e-05
    : tensor<2x4x4x64xbf16>, tensor<64xf32>, tensor<64xf32>
  %2 = burin.concat %0, %y axis 3
    : tensor<2x4x4x64xbf16>, tensor<2x4x4x4xbf16>
  return %1, %2 : tensor<2x4x4x64xbf16>, tensor<2x4x4x68xbf16>
}

// CHECK-LABEL: @even_concatenation
// PARTS: burin.group_affine
// WHOLE: burin.group_norm
// CHECK: return
func.func @even_concatenation(%x: tensor<2x4x4x64xbf16>,
                              %y: tensor<2x4x4x8xbf16>, %g: tensor<64xf32>)
    -> (tensor<2x4x4x64xbf16>, tensor<2x4x4x72xbf16>) {
  %0 = burin.unary "silu" %x : tensor<2x4x4x64xbf16>
  %1 = burin.group_norm %0, %g, %g groups 32 eps 1.0e-05
    : tensor<2x4x4x64xbf16>, tensor<64xf32>, tensor<64xf32>
  %2 = burin.concat %0, %y axis 3
    : tensor<2x4x4x64xbf16>, tensor<2x4x4x8xbf16>
  return %1, %2 : tensor<2x4x4x64xbf16>, tensor<2x4x4x72xbf16>
}

// A processor packs one weight at a time.
// CHECK-LABEL: @weights
// CPU-NEXT: %[[A:.+]] = burin.linear %arg0, %arg1 :
// CPU-NEXT: %[[B:.+]] = burin.linear %arg0, %arg2 :
// CPU-NEXT: %[[C:.+]] = burin.concat %[[A]], %[[B]] axis 1
// CPU-NEXT: return %[[C]]
// GPU-NEXT: burin.linear %arg0, %arg1, %arg2 :
// GPU-NEXT: return
func.func @weights(%x: tensor<2x24xf32>, %v: tensor<40x24xf32>,
                   %w: tensor<8x24xf32>) -> tensor<2x48xf32> {
  %0 = burin.linear %x, %v, %w
    : tensor<2x24xf32>, tensor<40x24xf32>, tensor<8x24xf32>
  return %0 : tensor<2x48xf32>
}
