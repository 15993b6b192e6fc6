// RUN: burin-opt %s --burin-form-regions | FileCheck %s --check-prefixes=CHECK,CPU
// RUN: burin-opt %s --burin-form-regions=gpu | FileCheck %s --check-prefixes=CHECK,GPU

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

// A window of a parameter is as constant as the parameter.
// CHECK-LABEL: @window_of_weight
// CHECK: %[[B:.+]] = burin.slice
// CHECK-NEXT: burin.region "contraction" ({{.*}} = %arg0, {{.*}} = %arg1, {{.*}} = %[[B]])
// CHECK-NEXT: burin.linear
// CHECK-NEXT: burin.cast
// CHECK-NEXT: burin.binary "add"
// CHECK-NEXT: burin.yield
// CHECK-NOT: burin.region
// CHECK: return
func.func @window_of_weight(%x: tensor<2x24xf32>, %w: tensor<40x24xf32>)
    -> tensor<2x40xf32> {
  %b = burin.parameter "b" : tensor<80xbf16>
  %0 = burin.linear %x, %w : tensor<2x24xf32>, tensor<40x24xf32>
  %1 = burin.slice %b axis 0 start 40 size 40 : tensor<80xbf16>
  %2 = burin.cast %1 : tensor<40xbf16> to f32
  %3 = burin.binary "add" %0, %2 : tensor<2x40xf32>, tensor<40xf32>
  return %3 : tensor<2x40xf32>
}

// Both halves of a product meet in its epilogue, where a GPU has them at once.
// CHECK-LABEL: @gate
// CPU: burin.region "contraction"
// CPU-NEXT: burin.linear
// CPU-NEXT: burin.yield
// CPU: burin.slice
// CPU: burin.slice
// CPU: burin.region "rows"
// GPU-NOT: burin.slice
// GPU: %[[R:.+]] = burin.region "contraction" ({{.*}} = %arg0, {{.*}} = %arg1, {{.*}} = %arg2)
// GPU-NEXT: %[[Y:.+]] = burin.linear
// GPU-NEXT: %[[H:.+]] = burin.slice %[[Y]] axis 1 start 0 size 20
// GPU-NEXT: %[[G:.+]] = burin.slice %[[Y]] axis 1 start 20 size 20
// GPU-NEXT: %[[A:.+]] = burin.unary "gelu" %[[G]]
// GPU-NEXT: %[[M:.+]] = burin.binary "mul" %[[H]], %[[A]]
// GPU-NEXT: %[[S:.+]] = burin.binary "add" %[[M]]
// GPU-NEXT: burin.yield %[[S]]
// GPU: return %[[R]]
func.func @gate(%x: tensor<2x24xf32>, %w: tensor<40x24xf32>,
                %r: tensor<2x20xf32>) -> tensor<2x20xf32> {
  %0 = burin.linear %x, %w : tensor<2x24xf32>, tensor<40x24xf32>
  %1 = burin.slice %0 axis 1 start 0 size 20 : tensor<2x40xf32>
  %2 = burin.slice %0 axis 1 start 20 size 20 : tensor<2x40xf32>
  %3 = burin.unary "gelu" %2 : tensor<2x20xf32>
  %4 = burin.binary "mul" %1, %3 : tensor<2x20xf32>, tensor<2x20xf32>
  %5 = burin.binary "add" %4, %r : tensor<2x20xf32>, tensor<2x20xf32>
  return %5 : tensor<2x20xf32>
}

// Halves that do not meet, here because each is a result, are windows.
// CHECK-LABEL: @no_gate
// CHECK: burin.region "contraction"
// CHECK-NEXT: burin.linear
// CHECK-NEXT: burin.yield
// CHECK: burin.slice
// CHECK: burin.slice
func.func @no_gate(%x: tensor<2x24xf32>, %w: tensor<40x24xf32>)
    -> (tensor<2x20xf32>, tensor<2x20xf32>) {
  %0 = burin.linear %x, %w : tensor<2x24xf32>, tensor<40x24xf32>
  %1 = burin.slice %0 axis 1 start 0 size 20 : tensor<2x40xf32>
  %2 = burin.slice %0 axis 1 start 20 size 20 : tensor<2x40xf32>
  return %1, %2 : tensor<2x20xf32>, tensor<2x20xf32>
}

// Thirds are no halves: a gate takes every column of the product.
// CHECK-LABEL: @thirds
// CHECK: burin.linear
// CHECK-NEXT: burin.yield
// CHECK: burin.region "rows"
func.func @thirds(%x: tensor<2x24xf32>, %w: tensor<48x24xf32>)
    -> tensor<2x16xf32> {
  %0 = burin.linear %x, %w : tensor<2x24xf32>, tensor<48x24xf32>
  %1 = burin.slice %0 axis 1 start 0 size 16 : tensor<2x48xf32>
  %2 = burin.slice %0 axis 1 start 16 size 16 : tensor<2x48xf32>
  %3 = burin.binary "mul" %1, %2 : tensor<2x16xf32>, tensor<2x16xf32>
  return %3 : tensor<2x16xf32>
}

// What is small beside its reader is computed by it on a GPU, where a step
// costs more than the repeated work.
// CHECK-LABEL: @small
// CPU: burin.region "rows" ({{.*}} = %arg1)
// CPU-NEXT: burin.unary "exp"
// CPU: burin.region "rows"
// CPU-NEXT: burin.binary "mul"
// GPU: burin.region "rows" ({{.*}} = %arg1, {{.*}} = %arg0)
// GPU-NEXT: burin.unary "exp"
// GPU-NEXT: burin.binary "mul"
// GPU-NEXT: burin.yield
// GPU-NOT: burin.region
func.func @small(%x: tensor<2x8x8x24xf32>, %s: tensor<2x1x1x24xf32>)
    -> tensor<2x8x8x24xf32> {
  %0 = burin.unary "exp" %s : tensor<2x1x1x24xf32>
  %1 = burin.binary "mul" %x, %0 : tensor<2x8x8x24xf32>, tensor<2x1x1x24xf32>
  return %1 : tensor<2x8x8x24xf32>
}

// A reader that is not far larger waits for it instead.
// CHECK-LABEL: @not_small
// CHECK: burin.region "rows" ({{.*}} = %arg1)
// CHECK-NEXT: burin.unary "exp"
// CHECK: burin.region "rows"
// CHECK-NEXT: burin.binary "mul"
func.func @not_small(%x: tensor<2x5x24xf32>, %s: tensor<2x1x24xf32>)
    -> tensor<2x5x24xf32> {
  %0 = burin.unary "exp" %s : tensor<2x1x24xf32>
  %1 = burin.binary "mul" %x, %0 : tensor<2x5x24xf32>, tensor<2x1x24xf32>
  return %1 : tensor<2x5x24xf32>
}

// So is a chain of what is small, to its beginning.
// CHECK-LABEL: @small_chain
// CPU-COUNT-2: burin.region "rows"
// GPU: burin.region "rows" ({{.*}} = %arg1, {{.*}} = %arg2, {{.*}} = %arg0)
// GPU-NEXT: burin.binary "sub"
// GPU-NEXT: burin.unary "exp"
// GPU-NEXT: burin.binary "mul"
// GPU-NEXT: burin.yield
// GPU-NOT: burin.region
func.func @small_chain(%x: tensor<2x8x8x24xf32>, %s: tensor<1xf32>,
                       %t: tensor<1xf32>) -> tensor<2x8x8x24xf32> {
  %0 = burin.binary "sub" %s, %t : tensor<1xf32>, tensor<1xf32>
  %1 = burin.unary "exp" %0 : tensor<1xf32>
  %2 = burin.binary "mul" %x, %1 : tensor<2x8x8x24xf32>, tensor<1xf32>
  return %2 : tensor<2x8x8x24xf32>
}

// One reader that needs the value itself ends the chain there, and what comes
// before stays with it.
// CHECK-LABEL: @small_chain_read
// CHECK: %[[E:.+]] = burin.region "rows" ({{.*}} = %arg1, {{.*}} = %arg2)
// CHECK-NEXT: burin.binary "sub"
// CHECK-NEXT: burin.unary "exp"
// CHECK-NEXT: burin.yield
// CHECK: burin.region "rows" ({{.*}} = %arg0, {{.*}} = %[[E]])
// CHECK-NEXT: burin.binary "mul"
func.func @small_chain_read(%x: tensor<2x8x8x24xf32>, %s: tensor<1xf32>,
                            %t: tensor<1xf32>)
    -> (tensor<2x8x8x24xf32>, tensor<1xf32>) {
  %0 = burin.binary "sub" %s, %t : tensor<1xf32>, tensor<1xf32>
  %1 = burin.unary "exp" %0 : tensor<1xf32>
  %2 = burin.binary "mul" %x, %1 : tensor<2x8x8x24xf32>, tensor<1xf32>
  return %2, %1 : tensor<2x8x8x24xf32>, tensor<1xf32>
}

// Producers that know nothing of each other meet in their reader.
// CHECK-LABEL: @meet(
// CHECK: burin.region "rows" ({{.*}} = %arg0, {{.*}} = %arg2, {{.*}} = %arg1)
// CHECK-NEXT: burin.binary "mul"
// CHECK-NEXT: burin.binary "mul"
// CHECK-NEXT: burin.binary "add"
// CHECK-NEXT: burin.yield
// CHECK-NOT: burin.region
// CHECK: return
func.func @meet(%x: tensor<2x5x24xf32>, %y: tensor<2x5x24xf32>,
                %s: tensor<24xf32>) -> tensor<2x5x24xf32> {
  %0 = burin.binary "mul" %x, %s : tensor<2x5x24xf32>, tensor<24xf32>
  %1 = burin.binary "mul" %y, %s : tensor<2x5x24xf32>, tensor<24xf32>
  %2 = burin.binary "add" %0, %1 : tensor<2x5x24xf32>, tensor<2x5x24xf32>
  return %2 : tensor<2x5x24xf32>
}

// Where one of them reduces its rows, only a GPU makes one step of them.
// CHECK-LABEL: @meet_reduced(
// CPU-COUNT-2: burin.region "rows"
// GPU: burin.region "rows"
// GPU-NEXT: burin.softmax
// GPU-NEXT: burin.unary "exp"
// GPU-NEXT: burin.binary "add"
// CHECK-NOT: burin.region
// CHECK: return
func.func @meet_reduced(%x: tensor<2x5x24xf32>, %y: tensor<2x5x24xf32>)
    -> tensor<2x5x24xf32> {
  %0 = burin.softmax %x axis 2 : tensor<2x5x24xf32>
  %1 = burin.unary "exp" %y : tensor<2x5x24xf32>
  %2 = burin.binary "add" %0, %1 : tensor<2x5x24xf32>, tensor<2x5x24xf32>
  return %2 : tensor<2x5x24xf32>
}

// A producer over other rows, or one that is read before, stays a step.
// CHECK-LABEL: @do_not_meet
// CHECK: %[[A:.+]] = burin.region "rows" ({{.*}} = %arg0)
// CHECK-NEXT: burin.unary "exp"
// CHECK-NEXT: burin.yield
// CHECK: burin.region "contraction" ({{.*}} = %[[A]]
// CHECK: %[[C:.+]] = burin.region "rows" ({{.*}} = %arg2)
// CHECK-NEXT: burin.unary "neg"
// CHECK-NEXT: burin.yield
// CHECK: burin.region "rows" ({{.*}} = %arg1, {{.*}} = %[[A]], {{.*}} = %[[C]])
// CHECK-NEXT: burin.unary "tanh"
// CHECK-NEXT: burin.binary "mul"
// CHECK-NEXT: burin.binary "add"
// CHECK-NEXT: burin.yield
func.func @do_not_meet(%x: tensor<2x5x24xf32>, %y: tensor<2x5x24xf32>,
                       %s: tensor<1x24xf32>, %w: tensor<24x24xf32>)
    -> (tensor<2x5x24xf32>, tensor<2x5x24xf32>) {
  %0 = burin.unary "exp" %x : tensor<2x5x24xf32>
  %1 = burin.linear %0, %w : tensor<2x5x24xf32>, tensor<24x24xf32>
  %2 = burin.unary "tanh" %y : tensor<2x5x24xf32>
  %3 = burin.unary "neg" %s : tensor<1x24xf32>
  %4 = burin.binary "mul" %0, %2 : tensor<2x5x24xf32>, tensor<2x5x24xf32>
  %5 = burin.binary "add" %4, %3 : tensor<2x5x24xf32>, tensor<1x24xf32>
  return %1, %5 : tensor<2x5x24xf32>, tensor<2x5x24xf32>
}

// A library kernel writes all its results, those that nobody reads too.
// CHECK-LABEL: @unread_results
// CHECK: %{{.+}}:3 = burin.region "library"
// CHECK-NEXT: %[[Q:.+]], %[[K:.+]], %[[V:.+]] = burin.attention_gradient
// CHECK-NEXT: burin.yield %[[Q]], %[[K]], %[[V]]
func.func @unread_results(%q: tensor<1x6x8xf32>, %k: tensor<1x4x8xf32>,
                          %y: tensor<1x6x8xf32>, %dy: tensor<1x6x8xf32>)
    -> tensor<1x6x8xf32> {
  %dq, %dk, %dv = burin.attention_gradient %q, %k, %k, %y, %dy
    heads 2 scale 5.0e-01
    : tensor<1x6x8xf32>, tensor<1x4x8xf32>, tensor<1x4x8xf32>,
      tensor<1x6x8xf32>, tensor<1x6x8xf32>
  return %dq : tensor<1x6x8xf32>
}
