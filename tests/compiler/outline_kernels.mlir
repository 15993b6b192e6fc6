// RUN: burin-opt %s --split-input-file --burin-form-regions=gpu \
// RUN:   --burin-outline-kernels | FileCheck %s

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

// -----

// Halves that meet in the epilogue are its two tiles, values first, whichever
// of them the graph takes first.
// CHECK-LABEL: func.func @gate
// CHECK: burin.region "contraction"
// CHECK: kernel @epilogue_0 captures array<i64: 2>
// CHECK: module @kernels
// CHECK-NEXT: func.func @epilogue_0(%[[VALUE:.+]]: tensor<2x20xf32>, %[[GATE:.+]]: tensor<2x20xf32>, %[[R:.+]]: tensor<2x20xf32>) -> tensor<2x20xf32> attributes {burin.epilogue, burin.gated}
// CHECK-NEXT:   %[[A:.+]] = burin.unary "gelu" %[[GATE]]
// CHECK-NEXT:   %[[M:.+]] = burin.binary "mul" %[[VALUE]], %[[A]]
// CHECK-NEXT:   %[[S:.+]] = burin.binary "add" %[[M]], %[[R]]
// CHECK-NEXT:   return %[[S]]
func.func @gate(%x: tensor<2x24xf32>, %w: tensor<40x24xf32>,
                %r: tensor<2x20xf32>) -> tensor<2x20xf32> {
  %0 = burin.linear %x, %w : tensor<2x24xf32>, tensor<40x24xf32>
  %1 = burin.slice %0 axis 1 start 20 size 20 : tensor<2x40xf32>
  %2 = burin.slice %0 axis 1 start 0 size 20 : tensor<2x40xf32>
  %3 = burin.unary "gelu" %1 : tensor<2x20xf32>
  %4 = burin.binary "mul" %2, %3 : tensor<2x20xf32>, tensor<2x20xf32>
  %5 = burin.binary "add" %4, %r : tensor<2x20xf32>, tensor<2x20xf32>
  return %5 : tensor<2x20xf32>
}
