// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @linear
// CHECK: burin.linear %{{.*}}, %{{.*}} : tensor<2x5x8xf32>, tensor<6x8xf16>
func.func @linear(%x: tensor<2x5x8xf32>, %w: tensor<6x8xf16>)
    -> tensor<2x5x6xf32> {
  // expected-remark @below {{960 operations, 656 bytes; calls contract.f32 [1, 1, 10, 1, 10, 8, 1, 1, 1, 0, 0, 1, 6] on 2 operands, tiled, operand 1 by pack_contract.f32 [6, 8, 1, 1, 4, 0] into 512 bytes}}
  %y = burin.linear %x, %w : tensor<2x5x8xf32>, tensor<6x8xf16>
  return %y : tensor<2x5x6xf32>
}

// CHECK-LABEL: @narrow
// CHECK: burin.linear %{{.*}}, %{{.*}} : tensor<5x9xbf16>, tensor<6x9xbf16>
func.func @narrow(%x: tensor<5x9xbf16>, %w: tensor<6x9xbf16>)
    -> tensor<5x6xbf16> {
  // expected-remark @below {{540 operations, 258 bytes; calls contract.bf16 [1, 1, 5, 1, 5, 9, 1, 1, 1, 0, 0, 1, 6] on 2 operands, tiled, operand 1 by pack_contract.bf16 [6, 9, 1, 1, 5, 0] into 320 bytes}}
  %y = burin.linear %x, %w : tensor<5x9xbf16>, tensor<6x9xbf16>
  return %y : tensor<5x6xbf16>
}

// CHECK-LABEL: @stacked
// CHECK: burin.linear %{{.*}}, %{{.*}}, %{{.*}} : tensor<5x8xf32>, tensor<6x8xf32>, tensor<3x8xf32>
func.func @stacked(%x: tensor<5x8xf32>, %v: tensor<6x8xf32>,
                   %w: tensor<3x8xf32>) -> tensor<5x9xf32> {
  // expected-remark @below {{720 operations, 628 bytes; calls contract.f32 [1, 1, 5, 1, 5, 8, 1, 1, 1, 0, 0, 1, 9] on 3 operands, tiled}}
  %y = burin.linear %x, %v, %w
    : tensor<5x8xf32>, tensor<6x8xf32>, tensor<3x8xf32>
  return %y : tensor<5x9xf32>
}

// CHECK-LABEL: @transposed
// CHECK: burin.linear %{{.*}}, %{{.*}} transposed : tensor<5x8xf32>, tensor<8x6xbf16>
func.func @transposed(%x: tensor<5x8xf32>, %w: tensor<8x6xbf16>)
    -> tensor<5x6xf32> {
  // expected-remark @below {{480 operations, 376 bytes; calls contract.f32 [1, 1, 5, 1, 5, 8, 1, 1, 1, 0, 0, 1, 6] on 2 operands, tiled, operand 1 by pack_transposed.f32 [6, 8, 1, 1, 5, 0] into 512 bytes}}
  %y = burin.linear %x, %w transposed : tensor<5x8xf32>, tensor<8x6xbf16>
  return %y : tensor<5x6xf32>
}

// -----

func.func @invalid(%x: tensor<2x8xf32>, %w: tensor<6x8xf32>) {
  // expected-error @below {{transposed weight is [6, 8], needs [8, outputs]}}
  %y = burin.linear %x, %w transposed : tensor<2x8xf32>, tensor<6x8xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x8xf32>, %v: tensor<6x8xf32>,
                   %w: tensor<6x7xf32>) {
  // expected-error @below {{weight is [6, 7], needs [outputs, 8]}}
  %y = burin.linear %x, %v, %w
    : tensor<2x8xf32>, tensor<6x8xf32>, tensor<6x7xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x8xf32>) {
  // expected-error @below {{needs at least one weight}}
  // expected-error @below {{failed to infer returned types}}
  %y = "burin.linear"(%x) : (tensor<2x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x8xf32>, %w: tensor<8x6xf32>) {
  // expected-error @below {{weight is [8, 6], needs [outputs, 8]}}
  %y = burin.linear %x, %w : tensor<2x8xf32>, tensor<8x6xf32>
  return
}

// -----

func.func @invalid(%x: tensor<f32>, %w: tensor<8x6xf32>) {
  // expected-error @below {{input needs at least one axis}}
  %y = burin.linear %x, %w : tensor<f32>, tensor<8x6xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x8xf64>, %w: tensor<6x8xf64>) {
  // expected-error @below {{has no kernel for 'f64'; cast to f32 or bf16}}
  %y = burin.linear %x, %w : tensor<2x8xf64>, tensor<6x8xf64>
  return
}
