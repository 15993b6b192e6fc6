// RUN: burin-opt %s --burin-sink-slices | FileCheck %s

// Windows of a sum are sums of windows, down to what is no elementwise op.
// CHECK-LABEL: @halves
// CHECK: %[[Y:.+]] = burin.linear
// CHECK-DAG: %[[Y0:.+]] = burin.slice %[[Y]] axis 1 start 0 size 20
// CHECK-DAG: %[[B0:.+]] = burin.slice %arg2 axis 0 start 0 size 20
// CHECK-DAG: %[[S0:.+]] = burin.binary "add" %[[Y0]], %[[B0]] : tensor<2x20xf32>, tensor<20xf32>
// CHECK-DAG: %[[Y1:.+]] = burin.slice %[[Y]] axis 1 start 20 size 20
// CHECK-DAG: %[[B1:.+]] = burin.slice %arg2 axis 0 start 20 size 20
// CHECK-DAG: %[[S1:.+]] = burin.binary "add" %[[Y1]], %[[B1]] : tensor<2x20xf32>, tensor<20xf32>
// CHECK: return %[[S0]], %[[S1]]
func.func @halves(%x: tensor<2x24xf32>, %w: tensor<40x24xf32>,
                  %b: tensor<40xf32>) -> (tensor<2x20xf32>, tensor<2x20xf32>) {
  %0 = burin.linear %x, %w : tensor<2x24xf32>, tensor<40x24xf32>
  %1 = burin.binary "add" %0, %b : tensor<2x40xf32>, tensor<40xf32>
  %2 = burin.slice %1 axis 1 start 0 size 20 : tensor<2x40xf32>
  %3 = burin.slice %1 axis 1 start 20 size 20 : tensor<2x40xf32>
  return %2, %3 : tensor<2x20xf32>, tensor<2x20xf32>
}

// An operand that repeats along the axis, or lacks it, is read whole; the type
// of a cast stays.
// CHECK-LABEL: @repeated
// CHECK-NOT: burin.slice %arg1
// CHECK-NOT: burin.slice %arg2
// CHECK: %[[X:.+]] = burin.slice %arg0 axis 0 start 1 size 2 : tensor<4x3xf32>
// CHECK: %[[A:.+]] = burin.binary "add" %[[X]], %arg1 : tensor<2x3xf32>, tensor<3xf32>
// CHECK: %[[M:.+]] = burin.binary "mul" %[[A]], %arg2 : tensor<2x3xf32>, tensor<1x3xf32>
// CHECK: %[[C:.+]] = burin.cast %[[M]] : tensor<2x3xf32> to bf16
// CHECK: return %[[C]] : tensor<2x3xbf16>
func.func @repeated(%x: tensor<4x3xf32>, %r: tensor<3xf32>, %s: tensor<1x3xf32>)
    -> tensor<2x3xbf16> {
  %0 = burin.binary "add" %x, %r : tensor<4x3xf32>, tensor<3xf32>
  %1 = burin.binary "mul" %0, %s : tensor<4x3xf32>, tensor<1x3xf32>
  %2 = burin.cast %1 : tensor<4x3xf32> to bf16
  %3 = burin.slice %2 axis 0 start 1 size 2 : tensor<4x3xbf16>
  return %3 : tensor<2x3xbf16>
}

// What others read whole is computed whole, and its window taken.
// CHECK-LABEL: @read_whole
// CHECK: %[[E:.+]] = burin.unary "exp" %arg0
// CHECK-NEXT: %[[S:.+]] = burin.slice %[[E]]
// CHECK-NEXT: return %[[E]], %[[S]]
func.func @read_whole(%x: tensor<4x3xf32>)
    -> (tensor<4x3xf32>, tensor<4x2xf32>) {
  %0 = burin.unary "exp" %x : tensor<4x3xf32>
  %1 = burin.slice %0 axis 1 start 1 size 2 : tensor<4x3xf32>
  return %0, %1 : tensor<4x3xf32>, tensor<4x2xf32>
}

// A fold reads the row that its result's window no longer shows.
// CHECK-LABEL: @fold
// CHECK: %[[N:.+]] = burin.softmax %arg0
// CHECK-NEXT: burin.slice %[[N]]
func.func @fold(%x: tensor<4x3xf32>) -> tensor<4x2xf32> {
  %0 = burin.softmax %x axis 1 : tensor<4x3xf32>
  %1 = burin.slice %0 axis 1 start 1 size 2 : tensor<4x3xf32>
  return %1 : tensor<4x2xf32>
}

// Windows of rows that one op computes for all: it stays with the product.
// CHECK-LABEL: @rows
// CHECK: %[[Y:.+]] = burin.linear
// CHECK-NEXT: %[[S:.+]] = burin.binary "add" %[[Y]], %arg2
// CHECK-NEXT: burin.slice %[[S]] axis 0 start 0 size 2
// CHECK-NEXT: burin.slice %[[S]] axis 0 start 2 size 2
func.func @rows(%x: tensor<4x24xf32>, %w: tensor<40x24xf32>, %b: tensor<40xf32>)
    -> (tensor<2x40xf32>, tensor<2x40xf32>) {
  %0 = burin.linear %x, %w : tensor<4x24xf32>, tensor<40x24xf32>
  %1 = burin.binary "add" %0, %b : tensor<4x40xf32>, tensor<40xf32>
  %2 = burin.slice %1 axis 0 start 0 size 2 : tensor<4x40xf32>
  %3 = burin.slice %1 axis 0 start 2 size 2 : tensor<4x40xf32>
  return %2, %3 : tensor<2x40xf32>, tensor<2x40xf32>
}

// However long the chain.
// CHECK-LABEL: @chain
// CHECK-DAG: burin.slice %arg0 axis 1 start 0 size 20
// CHECK-DAG: burin.slice %arg0 axis 1 start 20 size 20
// CHECK-NOT: burin.unary{{.*}}2x40
// CHECK: return
func.func @chain(%x: tensor<2x40xf32>) -> (tensor<2x20xf32>, tensor<2x20xf32>) {
  %0 = burin.unary "silu" %x : tensor<2x40xf32>
  %1 = burin.unary "silu" %0 : tensor<2x40xf32>
  %2 = burin.unary "silu" %1 : tensor<2x40xf32>
  %3 = burin.unary "silu" %2 : tensor<2x40xf32>
  %4 = burin.unary "silu" %3 : tensor<2x40xf32>
  %5 = burin.unary "silu" %4 : tensor<2x40xf32>
  %6 = burin.unary "silu" %5 : tensor<2x40xf32>
  %7 = burin.unary "silu" %6 : tensor<2x40xf32>
  %8 = burin.unary "silu" %7 : tensor<2x40xf32>
  %9 = burin.unary "silu" %8 : tensor<2x40xf32>
  %10 = burin.unary "silu" %9 : tensor<2x40xf32>
  %11 = burin.unary "silu" %10 : tensor<2x40xf32>
  %12 = burin.unary "silu" %11 : tensor<2x40xf32>
  %13 = burin.unary "silu" %12 : tensor<2x40xf32>
  %14 = burin.unary "silu" %13 : tensor<2x40xf32>
  %15 = burin.unary "silu" %14 : tensor<2x40xf32>
  %16 = burin.unary "silu" %15 : tensor<2x40xf32>
  %17 = burin.unary "silu" %16 : tensor<2x40xf32>
  %18 = burin.unary "silu" %17 : tensor<2x40xf32>
  %19 = burin.unary "silu" %18 : tensor<2x40xf32>
  %20 = burin.unary "silu" %19 : tensor<2x40xf32>
  %21 = burin.unary "silu" %20 : tensor<2x40xf32>
  %22 = burin.unary "silu" %21 : tensor<2x40xf32>
  %23 = burin.unary "silu" %22 : tensor<2x40xf32>
  %24 = burin.unary "silu" %23 : tensor<2x40xf32>
  %25 = burin.unary "silu" %24 : tensor<2x40xf32>
  %26 = burin.unary "silu" %25 : tensor<2x40xf32>
  %27 = burin.unary "silu" %26 : tensor<2x40xf32>
  %28 = burin.unary "silu" %27 : tensor<2x40xf32>
  %29 = burin.unary "silu" %28 : tensor<2x40xf32>
  %30 = burin.unary "silu" %29 : tensor<2x40xf32>
  %a = burin.slice %30 axis 1 start 0 size 20 : tensor<2x40xf32>
  %b = burin.slice %30 axis 1 start 20 size 20 : tensor<2x40xf32>
  return %a, %b : tensor<2x20xf32>, tensor<2x20xf32>
}
