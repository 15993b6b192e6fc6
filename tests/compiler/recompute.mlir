// RUN: burin-opt %s --burin-recompute --split-input-file -verify-diagnostics \
// RUN:   | FileCheck %s

// The first value waits for the last op: with room for two beside what goes in
// and out, it is computed again from its input, which is there.
// CHECK-LABEL: @skip
// CHECK: %[[A:.+]] = burin.unary "exp" %arg0
// CHECK: %[[B:.+]] = burin.softmax %{{.+}} axis 0
// CHECK-NEXT: burin.softmax
// CHECK-NEXT: %[[C:.+]] = burin.softmax
// CHECK-NEXT: %[[AGAIN:.+]] = burin.unary "exp" %arg0
// CHECK-NEXT: burin.binary "add" %[[C]], %[[AGAIN]]
func.func @skip(%x: tensor<64x64xf32>) -> tensor<64x64xf32>
    attributes {burin.memory_budget = 66560 : i64} {
  %a = burin.unary "exp" %x : tensor<64x64xf32>
  %0 = burin.softmax %a axis 0 : tensor<64x64xf32>
  %1 = burin.softmax %0 axis 1 : tensor<64x64xf32>
  %2 = burin.softmax %1 axis 0 : tensor<64x64xf32>
  %y = burin.binary "add" %2, %a : tensor<64x64xf32>, tensor<64x64xf32>
  return %y : tensor<64x64xf32>
}

// -----

// Within its budget, and without one, a function stays as it is.
// CHECK-LABEL: @room
// CHECK-COUNT-1: burin.unary
// CHECK-NOT: burin.unary
func.func @room(%x: tensor<64x64xf32>) -> tensor<64x64xf32>
    attributes {burin.memory_budget = 1048576 : i64} {
  %a = burin.unary "exp" %x : tensor<64x64xf32>
  %0 = burin.softmax %a axis 0 : tensor<64x64xf32>
  %1 = burin.softmax %0 axis 1 : tensor<64x64xf32>
  %2 = burin.softmax %1 axis 0 : tensor<64x64xf32>
  %y = burin.binary "add" %2, %a : tensor<64x64xf32>, tensor<64x64xf32>
  return %y : tensor<64x64xf32>
}

// -----

// expected-error @+1 {{'small' needs 0.13 GiB, 0.06 GiB of them for what goes in and out, when all that helps is computed again: 0.12 GiB more than its memory budget of 0.01 GiB}}
func.func @small(%x: tensor<4096x2048xf32>) -> tensor<4096x2048xf32>
    attributes {burin.memory_budget = 10737418 : i64} {
  %0 = burin.softmax %x axis 0 : tensor<4096x2048xf32>
  %1 = burin.softmax %0 axis 1 : tensor<4096x2048xf32>
  %2 = burin.softmax %1 axis 0 : tensor<4096x2048xf32>
  return %2 : tensor<4096x2048xf32>
}
