// RUN: burin-opt %s --burin-expand-math | FileCheck %s

// Functions that loops must vectorise become arithmetic without branches;
// those that a processor computes, or that are rare, stay.
// CHECK-LABEL: @functions
// CHECK-NOT: math.{{exp|erf|tanh}}
// CHECK-DAG: math.sqrt
// CHECK-DAG: math.sin
// CHECK: return
func.func @functions(%x: f32) -> (f32, f32, f32, f32, f32) {
  %0 = math.exp %x : f32
  %1 = math.erf %x : f32
  %2 = math.tanh %x : f32
  %3 = math.sqrt %x : f32
  %4 = math.sin %x : f32
  return %0, %1, %2, %3, %4 : f32, f32, f32, f32, f32
}
