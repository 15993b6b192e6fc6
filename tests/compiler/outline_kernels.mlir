// RUN: burin-opt %s --burin-form-regions --burin-outline-kernels | FileCheck %s

// Layers of one shape share a kernel, whatever their parameters are called.
// CHECK-LABEL: func.func @main
// CHECK: burin.region "contraction"
// CHECK: kernel @epilogue_0 captures array<i64: 2>
// CHECK: burin.region "contraction"
// CHECK: kernel @epilogue_0 captures array<i64: 2>
// CHECK: burin.region "rows"
// CHECK: kernel @rows_1 captures array<i64: 0>
// CHECK: module @kernels
// CHECK-NEXT: func.func @epilogue_0(%[[TILE:.+]]: tensor<2x24xf32>, %[[BIAS:.+]]: tensor<24xf32>) -> tensor<2x24xf32> attributes {burin.epilogue}
// CHECK-NEXT:   burin.binary "add" %[[TILE]], %[[BIAS]]
// CHECK: func.func @rows_1
// CHECK-NOT: func.func
func.func @main(%x: tensor<2x24xf32>) -> tensor<2x1xf32> {
  %w0 = burin.parameter "0.w" : tensor<24x24xf32>
  %b0 = burin.parameter "0.b" : tensor<24xf32>
  %w1 = burin.parameter "1.w" : tensor<24x24xf32>
  %b1 = burin.parameter "1.b" : tensor<24xf32>
  %0 = burin.linear %x, %w0 : tensor<2x24xf32>, tensor<24x24xf32>
  %1 = burin.binary "add" %0, %b0 : tensor<2x24xf32>, tensor<24xf32>
  %2 = burin.linear %1, %w1 : tensor<2x24xf32>, tensor<24x24xf32>
  %3 = burin.binary "add" %2, %b1 : tensor<2x24xf32>, tensor<24xf32>
  %4 = burin.reduce "sum" %3 axes [1] : tensor<2x24xf32>
  return %4 : tensor<2x1xf32>
}
