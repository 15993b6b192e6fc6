// RUN: burin-opt %s --burin-lower-kernels | FileCheck %s

// A chain becomes one generic.
// CHECK-LABEL: @chain
// CHECK-COUNT-1: linalg.generic
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: arith.negf
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @chain(%x: tensor<4x8xf32>, %s: tensor<8xf32>) -> tensor<4x8xf32> {
  %0 = burin.binary "mul" %x, %s : tensor<4x8xf32>, tensor<8xf32>
  %1 = burin.binary "add" %0, %x : tensor<4x8xf32>, tensor<4x8xf32>
  %2 = burin.unary "neg" %1 : tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// A tile arrives in float32, and what follows reads it so: it is rounded to
// bfloat16 once, at the end.
// CHECK-LABEL: @tile
// CHECK-SAME: (%[[TILE:.+]]: tensor<4x8xf32>, %{{.+}}: tensor<8xbf16>)
// CHECK: arith.extf
// CHECK-NOT: arith.extf
// CHECK: arith.addf
// CHECK: arith.truncf
// CHECK-NOT: arith.truncf
// CHECK: return
func.func @tile(%t: tensor<4x8xbf16>, %b: tensor<8xbf16>) -> tensor<4x8xbf16>
    attributes {burin.epilogue} {
  %0 = burin.binary "add" %t, %b : tensor<4x8xbf16>, tensor<8xbf16>
  return %0 : tensor<4x8xbf16>
}

// A kernel writes its results: what it only passes on is copied.
// CHECK-LABEL: @passed_on
// CHECK: linalg.generic
// CHECK-NEXT: ^bb0(%[[IN:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT: linalg.yield %[[IN]]
func.func @passed_on(%t: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {burin.epilogue} {
  return %t : tensor<4x8xf32>
}

// Both tiles of a gated epilogue arrive in float32, values first, and one
// generic brings them together.
// CHECK-LABEL: @gated
// CHECK-SAME: (%[[VALUE:.+]]: tensor<4x8xf32>, %[[GATE:.+]]: tensor<4x8xf32>, %{{.+}}: tensor<4x8xbf16>) -> tensor<4x8xbf16>
// CHECK-COUNT-1: linalg.generic
// CHECK-SAME: ins({{.*}}%[[VALUE]]{{.*}}%[[GATE]]
// CHECK: math.tanh
// CHECK-NOT: linalg.generic
// CHECK: arith.truncf
// CHECK-NOT: arith.truncf
// CHECK: return
func.func @gated(%t: tensor<4x8xbf16>, %g: tensor<4x8xbf16>,
                 %r: tensor<4x8xbf16>) -> tensor<4x8xbf16>
    attributes {burin.epilogue, burin.gated} {
  %0 = burin.unary "tanh" %g : tensor<4x8xbf16>
  %1 = burin.binary "mul" %t, %0 : tensor<4x8xbf16>, tensor<4x8xbf16>
  %2 = burin.binary "add" %1, %r : tensor<4x8xbf16>, tensor<4x8xbf16>
  return %2 : tensor<4x8xbf16>
}

// An epilogue computes a value anew for each that reads it: nothing but its
// tiles and its results outlives an op.
// CHECK-LABEL: @twice
// CHECK-COUNT-1: linalg.generic
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @twice(%t: tensor<4x8xf32>) -> tensor<4x8xf32>
    attributes {burin.epilogue} {
  %0 = burin.unary "tanh" %t : tensor<4x8xf32>
  %1 = burin.unary "neg" %0 : tensor<4x8xf32>
  %2 = burin.binary "mul" %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}
