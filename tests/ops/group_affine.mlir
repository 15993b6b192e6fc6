// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @group_affine
// CHECK: burin.group_affine %{{.*}}, %{{.*}}, %{{.*}} groups 2 eps 1.000000e-05 : tensor<2x4x4x8xbf16>, tensor<8xf32>, tensor<8xf32>
func.func @group_affine(%x: tensor<2x4x4x8xbf16>,
                        %g: tensor<8xf32>,
                        %b: tensor<8xf32>)
    -> (tensor<2x1x1x8xf32>, tensor<2x1x1x8xf32>) {
  // expected-remark @below {{768 operations, 704 bytes; calls group_affine.bf16 [2, 16, 8, 2, 4532020583610935537, 6] on 3 operands}}
  %s, %t = burin.group_affine %x, %g, %b groups 2 eps 1.0e-05
    : tensor<2x4x4x8xbf16>, tensor<8xf32>, tensor<8xf32>
  return %s, %t : tensor<2x1x1x8xf32>, tensor<2x1x1x8xf32>
}

// -----

func.func @invalid(%x: tensor<8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>) {
  // expected-error @below {{input is [8], needs [batch, ..., channels]}}
  %s, %t = burin.group_affine %x, %g, %b groups 2 eps 1.0e-05
    : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x4x4x8xbf16>,
                   %g: tensor<8xf32>,
                   %b: tensor<8xf32>) {
  // expected-error @below {{0 groups do not divide 8 channels}}
  %s, %t = burin.group_affine %x, %g, %b groups 0 eps 1.0e-05
    : tensor<2x4x4x8xbf16>, tensor<8xf32>, tensor<8xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x4x4x8xbf16>,
                   %g: tensor<4xf32>,
                   %b: tensor<4xf32>) {
  // expected-error @below {{gamma and beta need [8], one is [4]}}
  %s, %t = burin.group_affine %x, %g, %b groups 2 eps 1.0e-05
    : tensor<2x4x4x8xbf16>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

func.func @invalid(%x: tensor<2x4x4x8xbf16>,
                   %g: tensor<8xf32>,
                   %b: tensor<8xf16>) {
  // expected-error @below {{gamma and beta differ in element type}}
  %s, %t = burin.group_affine %x, %g, %b groups 2 eps 1.0e-05
    : tensor<2x4x4x8xbf16>, tensor<8xf32>, tensor<8xf16>
  return
}

// -----

func.func @invalid(%x: tensor<2x4x8xf64>,
                   %g: tensor<8xf32>,
                   %b: tensor<8xf32>) {
  // expected-error @below {{has no kernel for 'f64'; cast to f32 or bf16}}
  %s, %t = burin.group_affine %x, %g, %b groups 2 eps 1.0e-05
    : tensor<2x4x8xf64>, tensor<8xf32>, tensor<8xf32>
  return
}
