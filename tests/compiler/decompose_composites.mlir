// RUN: burin-opt %s --burin-decompose-composites | FileCheck %s

// CHECK-LABEL: @group_norm
// CHECK: %[[SCALE:.+]], %[[SHIFT:.+]] = burin.group_affine %arg0, %arg1, %arg2
// CHECK: %[[SCALED:.+]] = burin.binary "mul" %arg0, %[[SCALE]]
// CHECK: burin.binary "add" %[[SCALED]], %[[SHIFT]]
// CHECK-NOT: burin.group_norm
func.func @group_norm(%x: tensor<2x4x4x64xf32>, %g: tensor<64xf32>,
                      %b: tensor<64xf32>) -> tensor<2x4x4x64xf32> {
  %0 = burin.group_norm %x, %g, %b groups 32 eps 1.0e-05
    : tensor<2x4x4x64xf32>, tensor<64xf32>, tensor<64xf32>
  return %0 : tensor<2x4x4x64xf32>
}
