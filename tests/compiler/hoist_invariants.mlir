// RUN: burin-opt %s --burin-hoist-invariants | FileCheck %s

// Keys depend on the context alone; queries do not. The weights they need are
// named again in the function that runs once.

// CHECK-LABEL: func.func @step.invariants
// CHECK-SAME: (%[[C:.*]]: tensor<1x6x8xf32> {burin.name = "context"})
// CHECK-SAME: -> (tensor<1x6x8xf32> {burin.name = "invariant.0"})
// CHECK: %[[W:.*]] = burin.parameter "wk"
// CHECK: %[[R:.*]] = burin.linear %[[C]], %[[W]]
// CHECK: return %[[R]]

// CHECK-LABEL: func.func @step
// CHECK-SAME: (%[[X:.*]]: tensor<1x4x8xf32> {burin.name = "x"},
// CHECK-SAME:  %[[K:.*]]: tensor<1x6x8xf32> {burin.name = "invariant.0"})
// CHECK-NOT: "wk"
// CHECK: %[[Q:.*]] = burin.linear %[[X]]
// CHECK: burin.attention %[[Q]], %[[K]], %[[K]]
func.func @step(%x: tensor<1x4x8xf32> {burin.name = "x"},
                %context: tensor<1x6x8xf32>
                  {burin.name = "context", burin.invariant})
    -> (tensor<1x4x8xf32> {burin.name = "y"}) {
  %wq = burin.parameter "wq" : tensor<8x8xf32>
  %wk = burin.parameter "wk" : tensor<8x8xf32>
  %q = burin.linear %x, %wq : tensor<1x4x8xf32>, tensor<8x8xf32>
  %k = burin.linear %context, %wk : tensor<1x6x8xf32>, tensor<8x8xf32>
  %y = burin.attention %q, %k, %k heads 2 scale 5.0e-01
    : tensor<1x4x8xf32>, tensor<1x6x8xf32>, tensor<1x6x8xf32>
  return %y : tensor<1x4x8xf32>
}

// An invariant that the step reads as it is stays an argument; nothing is
// split where nothing is computed from it.

// CHECK-NOT: @nothing.invariants
// CHECK-LABEL: func.func @nothing
// CHECK-SAME: %{{.*}}: tensor<4xf32>, %{{.*}}: tensor<4xf32> {burin.invariant})
func.func @nothing(%x: tensor<4xf32>, %c: tensor<4xf32> {burin.invariant})
    -> tensor<4xf32> {
  %y = burin.binary "add" %x, %c : tensor<4xf32>, tensor<4xf32>
  return %y : tensor<4xf32>
}

// An invariant read both ways: hoisted where it can be, kept as an argument
// for the rest; a result that is invariant passes through the step.

// CHECK-LABEL: func.func @both.invariants
// CHECK: burin.unary "exp"

// CHECK-LABEL: func.func @both
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4xf32>, %[[C:[^:]*]]: tensor<4xf32> {burin.invariant},
// CHECK-SAME:  %[[E:[^:]*]]: tensor<4xf32> {burin.name = "invariant.0"})
// CHECK: %[[S:.*]] = burin.binary "add" %[[X]], %[[C]]
// CHECK: return %[[S]], %[[E]]
func.func @both(%x: tensor<4xf32>, %c: tensor<4xf32> {burin.invariant})
    -> (tensor<4xf32>, tensor<4xf32>) {
  %s = burin.binary "add" %x, %c : tensor<4xf32>, tensor<4xf32>
  %e = burin.unary "exp" %c : tensor<4xf32>
  return %s, %e : tensor<4xf32>, tensor<4xf32>
}
