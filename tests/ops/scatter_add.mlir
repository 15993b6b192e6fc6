// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s
// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   --burin-lower-ops --canonicalize | FileCheck %s --check-prefix=LOWER

// LOWER-DAG: #[[IDS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3)>
// LOWER-DAG: #[[ROWS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>
// LOWER-DAG: #[[SUMS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>

// CHECK-LABEL: @table
// CHECK: burin.scatter_add %{{.*}}, %{{.*}} rows 10 : tensor<1x5x8xbf16>, tensor<1x5xi64>
// LOWER-LABEL: @table
// LOWER: linalg.generic {indexing_maps = [#[[IDS]], #[[ROWS]], #[[SUMS]]], iterator_types = ["parallel", "parallel", "parallel", "reduction"]
// LOWER: linalg.index 1
// LOWER: arith.cmpi eq
// LOWER: arith.select
// LOWER: arith.truncf
func.func @table(%x: tensor<1x5x8xbf16>, %i: tensor<1x5xi64>)
    -> tensor<1x10x8xbf16> {
  // expected-remark @below {{40 operations, 280 bytes}}
  %y = burin.scatter_add %x, %i rows 10 : tensor<1x5x8xbf16>, tensor<1x5xi64>
  return %y : tensor<1x10x8xbf16>
}

// -----

func.func @invalid(%x: tensor<5x8xf32>, %i: tensor<5xi64>) {
  // expected-error @below {{input is [5, 8], needs [batch, n, width]}}
  %y = burin.scatter_add %x, %i rows 10 : tensor<5x8xf32>, tensor<5xi64>
  return
}

// -----

func.func @invalid(%x: tensor<1x5x8xf32>, %i: tensor<1x4xi64>) {
  // expected-error @below {{ids is [1, 4], needs [1, 5]}}
  %y = burin.scatter_add %x, %i rows 10 : tensor<1x5x8xf32>, tensor<1x4xi64>
  return
}

// -----

func.func @invalid(%x: tensor<1x5x8xf32>, %i: tensor<1x5xi64>) {
  // expected-error @below {{cannot have -1 rows}}
  %y = burin.scatter_add %x, %i rows -1 : tensor<1x5x8xf32>, tensor<1x5xi64>
  return
}
