// RUN: burin-opt %s --burin-form-regions | FileCheck %s

// A contraction takes the chain that alone uses its result, and computes a
// cast parameter anew instead of waiting for it.
// CHECK-LABEL: @epilogue
// CHECK-NEXT: %[[W:.+]] = burin.parameter "w"
// CHECK-NEXT: %[[B:.+]] = burin.parameter "b"
// CHECK-NEXT: %[[Y:.+]] = burin.region "contraction"
// CHECK-NEXT:   %[[T:.+]] = burin.linear
// CHECK-NEXT:   %[[C:.+]] = burin.cast
// CHECK-NEXT:   %[[S:.+]] = burin.binary "add" %[[T]], %[[C]]
// CHECK-NEXT:   %[[U:.+]] = burin.unary "silu" %[[S]]
// CHECK-NEXT:   burin.yield %[[U]]
// CHECK: return %[[Y]]
func.func @epilogue(%x: tensor<2x24xf32>) -> tensor<2x40xf32> {
  %w = burin.parameter "w" : tensor<40x24xf32>
  %b = burin.parameter "b" : tensor<40xbf16>
  %c = burin.cast %b : tensor<40xbf16> to f32
  %0 = burin.linear %x, %w : tensor<2x24xf32>, tensor<40x24xf32>
  %1 = burin.binary "add" %0, %c : tensor<2x40xf32>, tensor<40xf32>
  %2 = burin.unary "silu" %1 : tensor<2x40xf32>
  return %2 : tensor<2x40xf32>
}

// Two readers of a value end the epilogue there.
// CHECK-LABEL: @two_readers
// CHECK: burin.region "contraction"
// CHECK-NEXT: burin.linear
// CHECK-NEXT: burin.yield
// CHECK: burin.region "rows"
// CHECK: burin.unary "silu"
// CHECK: burin.binary "mul"
func.func @two_readers(%x: tensor<2x24xf32>, %w: tensor<40x24xf32>)
    -> tensor<2x40xf32> {
  %0 = burin.linear %x, %w : tensor<2x24xf32>, tensor<40x24xf32>
  %1 = burin.unary "silu" %0 : tensor<2x40xf32>
  %2 = burin.binary "mul" %0, %1 : tensor<2x40xf32>, tensor<2x40xf32>
  return %2 : tensor<2x40xf32>
}

// Ops over the same rows are one kernel, which may have two results.
// CHECK-LABEL: @rows
// CHECK: %[[R:.+]]:2 = burin.region "rows"
// CHECK-NEXT: %[[S:.+]] = burin.binary "add"
// CHECK-NEXT: %[[N:.+]] = burin.layer_norm %[[S]]
// CHECK-NEXT: burin.yield %[[S]], %[[N]]
func.func @rows(%x: tensor<2x3x20xf32>, %g: tensor<20xf32>)
    -> (tensor<2x3x20xf32>, tensor<2x3x20xf32>) {
  %0 = burin.binary "add" %x, %g : tensor<2x3x20xf32>, tensor<20xf32>
  %1 = burin.layer_norm %0, %g, %g eps 1.0e-05
    : tensor<2x3x20xf32>, tensor<20xf32>, tensor<20xf32>
  return %0, %1 : tensor<2x3x20xf32>, tensor<2x3x20xf32>
}

// A transposition reads other rows than it writes: it starts a kernel, and the
// ops before it are another.
// CHECK-LABEL: @transposed
// CHECK: burin.region "rows"
// CHECK-NEXT: burin.unary "exp"
// CHECK-NEXT: burin.yield
// CHECK: burin.region "rows"
// CHECK-NEXT: burin.transpose
// CHECK-NEXT: burin.unary "neg"
func.func @transposed(%x: tensor<4x4x4xf32>) -> tensor<4x4x4xf32> {
  %0 = burin.unary "exp" %x : tensor<4x4x4xf32>
  %1 = burin.transpose %0 [1, 0, 2] : tensor<4x4x4xf32>
  %2 = burin.unary "neg" %1 : tensor<4x4x4xf32>
  return %2 : tensor<4x4x4xf32>
}

// An op may not join a kernel whose values someone reads before it.
// CHECK-LABEL: @read_before
// CHECK: burin.region "rows"
// CHECK-NEXT: burin.unary "exp"
// CHECK-NEXT: burin.yield
// CHECK: burin.region "contraction"
// CHECK: burin.linear
// CHECK-NEXT: burin.binary "add"
func.func @read_before(%x: tensor<2x24xf32>, %w: tensor<24x24xf32>)
    -> tensor<2x24xf32> {
  %0 = burin.unary "exp" %x : tensor<2x24xf32>
  %1 = burin.linear %0, %w : tensor<2x24xf32>, tensor<24x24xf32>
  %2 = burin.binary "add" %1, %0 : tensor<2x24xf32>, tensor<2x24xf32>
  return %2 : tensor<2x24xf32>
}

// CHECK-LABEL: @library
// CHECK: burin.region "library"
// CHECK-NEXT: burin.attention
// CHECK-NEXT: burin.yield
func.func @library(%x: tensor<1x8x64xf32>) -> tensor<1x8x64xf32> {
  %0 = burin.attention %x, %x, %x heads 2 scale 1.25e-01
    : tensor<1x8x64xf32>, tensor<1x8x64xf32>, tensor<1x8x64xf32>
  return %0 : tensor<1x8x64xf32>
}
