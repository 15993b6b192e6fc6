// RUN: burin-opt %s --burin-merge-linears | FileCheck %s

// Layers that read one value are one layer, of the weights in their order, and
// each result is a window of its columns.
// CHECK-LABEL: @heads
// CHECK-DAG: %[[Q:.+]] = burin.parameter "q"
// CHECK-DAG: %[[K:.+]] = burin.parameter "k"
// CHECK-DAG: %[[V:.+]] = burin.parameter "v"
// CHECK: %[[Y:.+]] = burin.linear %arg0, %[[Q]], %[[K]], %[[V]] : tensor<2x24xf32>, tensor<16x24xf32>, tensor<16x24xf32>, tensor<8x24xf32>
// CHECK-NEXT: %[[A:.+]] = burin.slice %[[Y]] axis 1 start 0 size 16 : tensor<2x40xf32>
// CHECK-NEXT: %[[B:.+]] = burin.slice %[[Y]] axis 1 start 16 size 16 : tensor<2x40xf32>
// CHECK-NEXT: %[[C:.+]] = burin.slice %[[Y]] axis 1 start 32 size 8 : tensor<2x40xf32>
// CHECK-NEXT: return %[[A]], %[[B]], %[[C]]
func.func @heads(%x: tensor<2x24xf32>)
    -> (tensor<2x16xf32>, tensor<2x16xf32>, tensor<2x8xf32>) {
  %q = burin.parameter "q" : tensor<16x24xf32>
  %0 = burin.linear %x, %q : tensor<2x24xf32>, tensor<16x24xf32>
  %k = burin.parameter "k" : tensor<16x24xf32>
  %1 = burin.linear %x, %k : tensor<2x24xf32>, tensor<16x24xf32>
  %v = burin.parameter "v" : tensor<8x24xf32>
  %2 = burin.linear %x, %v : tensor<2x24xf32>, tensor<8x24xf32>
  return %0, %1, %2 : tensor<2x16xf32>, tensor<2x16xf32>, tensor<2x8xf32>
}

// Two layers of one weight read it once each.
// CHECK-LABEL: @one_weight
// CHECK: burin.linear %arg0, %[[W:.+]], %[[W]] : tensor<2x24xf32>, tensor<16x24xf32>, tensor<16x24xf32>
func.func @one_weight(%x: tensor<2x24xf32>)
    -> (tensor<2x16xf32>, tensor<2x16xf32>) {
  %w = burin.parameter "w" : tensor<16x24xf32>
  %0 = burin.linear %x, %w : tensor<2x24xf32>, tensor<16x24xf32>
  %1 = burin.linear %x, %w : tensor<2x24xf32>, tensor<16x24xf32>
  return %0, %1 : tensor<2x16xf32>, tensor<2x16xf32>
}

// A layer that waits for another's result stays where it is.
// CHECK-LABEL: @chain
// CHECK: burin.linear %arg0, %{{[a-z0-9]+}} :
// CHECK-NEXT: burin.linear %{{[0-9]+}}, %{{[a-z0-9]+}} :
// CHECK-NOT: burin.slice
func.func @chain(%x: tensor<2x24xf32>) -> tensor<2x24xf32> {
  %v = burin.parameter "v" : tensor<24x24xf32>
  %w = burin.parameter "w" : tensor<24x24xf32>
  %0 = burin.linear %x, %v : tensor<2x24xf32>, tensor<24x24xf32>
  %1 = burin.linear %0, %w : tensor<2x24xf32>, tensor<24x24xf32>
  return %1 : tensor<2x24xf32>
}

// Weights of two types are packed by two kernels.
// CHECK-LABEL: @types
// CHECK-COUNT-2: burin.linear %arg0, %{{[a-z0-9]+}} :
// CHECK-NOT: burin.slice
func.func @types(%x: tensor<2x24xf32>)
    -> (tensor<2x16xf32>, tensor<2x16xf32>) {
  %v = burin.parameter "v" : tensor<16x24xf32>
  %w = burin.parameter "w" : tensor<16x24xbf16>
  %0 = burin.linear %x, %v : tensor<2x24xf32>, tensor<16x24xf32>
  %1 = burin.linear %x, %w : tensor<2x24xf32>, tensor<16x24xbf16>
  return %0, %1 : tensor<2x16xf32>, tensor<2x16xf32>
}

// A weight that is computed may not exist yet where the first layer stands.
// CHECK-LABEL: @computed
// CHECK-COUNT-2: burin.linear %arg0, %{{[a-z0-9]+}} :
// CHECK-NOT: burin.slice
func.func @computed(%x: tensor<2x24xf32>, %w: tensor<16x24xf32>)
    -> (tensor<2x16xf32>, tensor<2x16xf32>) {
  %v = burin.parameter "v" : tensor<16x24xf32>
  %0 = burin.linear %x, %v : tensor<2x24xf32>, tensor<16x24xf32>
  %1 = burin.linear %x, %w : tensor<2x24xf32>, tensor<16x24xf32>
  return %0, %1 : tensor<2x16xf32>, tensor<2x16xf32>
}
