// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// CHECK-LABEL: @group_norm
// CHECK: burin.group_norm %{{.*}}, %{{.*}}, %{{.*}} groups 2 eps 1.000000e-05 : tensor<2x4x4x8xbf16>, tensor<8xf32>, tensor<8xf32>
// LOWER-LABEL: @group_norm
// LOWER: %[[SCALE:.*]], %[[SHIFT:.*]] = burin.group_affine %[[X:.*]], %{{.*}}, %{{.*}} groups 2
// LOWER-NEXT: %[[WIDE:.*]] = burin.cast %[[X]] : tensor<2x4x4x8xbf16> to f32
// LOWER-NEXT: %[[SCALED:.*]] = burin.binary "mul" %[[WIDE]], %[[SCALE]] : tensor<2x4x4x8xf32>, tensor<2x1x1x8xf32>
// LOWER-NEXT: %[[SHIFTED:.*]] = burin.binary "add" %[[SCALED]], %[[SHIFT]]
// LOWER-NEXT: %[[Y:.*]] = burin.cast %[[SHIFTED]] : tensor<2x4x4x8xf32> to bf16
// LOWER-NEXT: return %[[Y]]
func.func @group_norm(%x: tensor<2x4x4x8xbf16>,
                      %g: tensor<8xf32>,
                      %b: tensor<8xf32>)
    -> tensor<2x4x4x8xbf16> {
  // expected-remark @below {{256 operations, 1088 bytes; calls group_norm.bf16 [2, 16, 8, 2, 4532020583610935537, 6] on 3 operands, tiled}}
  %y = burin.group_norm %x, %g, %b groups 2 eps 1.0e-05
    : tensor<2x4x4x8xbf16>, tensor<8xf32>, tensor<8xf32>
  return %y : tensor<2x4x4x8xbf16>
}

// CHECK-LABEL: @wide
// CHECK: burin.group_norm %{{.*}}, %{{.*}}, %{{.*}} groups 2 eps 1.000000e-05 : tensor<2x4x4x8xf32>, tensor<8xf32>, tensor<8xf32>
// LOWER-LABEL: @wide
// LOWER-NOT: burin.cast
func.func @wide(%x: tensor<2x4x4x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>)
    -> tensor<2x4x4x8xf32> {
  // expected-remark @below {{256 operations, 2112 bytes; calls group_norm.f32 [2, 16, 8, 2, 4532020583610935537, 6] on 3 operands, tiled}}
  %y = burin.group_norm %x, %g, %b groups 2 eps 1.0e-05
    : tensor<2x4x4x8xf32>, tensor<8xf32>, tensor<8xf32>
  return %y : tensor<2x4x4x8xf32>
}

// -----

func.func @invalid(%x: tensor<2x4x4x8xbf16>,
                   %g: tensor<8xf32>,
                   %b: tensor<8xf32>) {
  // expected-error @below {{3 groups do not divide 8 channels}}
  %y = burin.group_norm %x, %g, %b groups 3 eps 1.0e-05
    : tensor<2x4x4x8xbf16>, tensor<8xf32>, tensor<8xf32>
  return
}
