// RUN: burin-opt %s --burin-lower-kernels --burin-emit-loops | FileCheck %s

// Rows outside, the last axis inside; what broadcasts along a row is loaded
// before its loop, whose iterations are declared independent.
// CHECK-LABEL: llvm.func @scaled
// CHECK-SAME: (%[[VIEWS:.+]]: !llvm.ptr {{.*}}, %[[BEGIN:.+]]: i64, %[[END:.+]]: i64) attributes {{{.*}}burin.work_items = 6 : i64}
// CHECK: llvm.br ^[[ROWS:.+]](%[[BEGIN]]
// CHECK: llvm.icmp "slt" %{{.+}}, %[[END]]
// CHECK: %[[SCALE:.+]] = llvm.load %{{.+}} : !llvm.ptr -> f32
// CHECK: llvm.br
// CHECK: llvm.icmp "slt"
// CHECK: %[[X:.+]] = llvm.load %{{.+}} {access_groups
// CHECK: arith.mulf %[[X]], %[[SCALE]] fastmath<contract>
// CHECK: llvm.store %{{.+}} {access_groups
// CHECK: llvm.br {{.*}}loop_annotation
func.func @scaled(%x: tensor<2x3x20xf32>, %s: tensor<2x3x1xf32>)
    -> tensor<2x3x20xf32> {
  %0 = burin.binary "mul" %x, %s : tensor<2x3x20xf32>, tensor<2x3x1xf32>
  return %0 : tensor<2x3x20xf32>
}

// Sums are carried in registers and may be reordered; the values of a row
// that no one outside needs are on the stack.
// CHECK-LABEL: llvm.func @softmax
// CHECK: llvm.alloca
// CHECK: arith.maximumf {{.*}} fastmath<reassoc,contract>
// CHECK: math.exp
// CHECK: arith.addf {{.*}} fastmath<reassoc,contract>
func.func @softmax(%x: tensor<6x20xf32>) -> tensor<6x20xf32> {
  %0 = burin.softmax %x axis 1 : tensor<6x20xf32>
  return %0 : tensor<6x20xf32>
}

// An epilogue runs over the rows and columns of its tile.
// CHECK-LABEL: llvm.func @biased
// CHECK-SAME: (%{{.+}}: !llvm.ptr {{.*}}, %[[TILE:.+]]: !llvm.ptr {{.*}}, %[[LD:.+]]: i64, %[[ROW:.+]]: i64, %{{.+}}: i64, %[[COLUMN:.+]]: i64, %{{.+}}: i64)
// CHECK: llvm.br ^{{.+}}(%[[ROW]]
// CHECK: llvm.br ^{{.+}}(%[[COLUMN]]
// CHECK: llvm.getelementptr inbounds %[[TILE]]
func.func @biased(%t: tensor<6x20xf32>, %b: tensor<20xf32>)
    -> tensor<6x20xf32> attributes {burin.epilogue} {
  %0 = burin.binary "add" %t, %b : tensor<6x20xf32>, tensor<20xf32>
  return %0 : tensor<6x20xf32>
}
