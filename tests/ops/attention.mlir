// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @cross
// CHECK: burin.attention %{{.*}}, %{{.*}}, %{{.*}} heads 2 scale 5.000000e-01 : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>
func.func @cross(%q: tensor<2x5x8xf32>,
                 %k: tensor<2x7x8xf32>,
                 %v: tensor<2x7x8xf32>)
    -> tensor<2x5x8xf32> {
  // expected-remark @below {{2940 operations, 1536 bytes; calls attention.f32 [2, 5, 7, 2, 4, 0, 4602678819172646912] on 3 operands}}
  %y = burin.attention %q, %k, %v heads 2 scale 5.0e-01
    : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>
  return %y : tensor<2x5x8xf32>
}

// CHECK-LABEL: @causal
// CHECK: burin.attention %{{.*}}, %{{.*}}, %{{.*}} heads 2 scale 5.000000e-01 causal : tensor<2x5x8xbf16>, tensor<2x5x8xbf16>, tensor<2x5x8xbf16>
func.func @causal(%q: tensor<2x5x8xbf16>,
                  %k: tensor<2x5x8xbf16>,
                  %v: tensor<2x5x8xbf16>)
    -> tensor<2x5x8xbf16> {
  // expected-remark @below {{1260 operations, 640 bytes; calls attention.bf16 [2, 5, 5, 2, 4, 1, 4602678819172646912] on 3 operands}}
  %y = burin.attention %q, %k, %v heads 2 scale 5.0e-01 causal
    : tensor<2x5x8xbf16>, tensor<2x5x8xbf16>, tensor<2x5x8xbf16>
  return %y : tensor<2x5x8xbf16>
}

// -----

func.func @invalid(%q: tensor<5x8xf32>,
                   %k: tensor<2x7x8xf32>,
                   %v: tensor<2x7x8xf32>) {
  // expected-error @below {{operands need [batch, tokens, width]}}
  %y = burin.attention %q, %k, %v heads 2 scale 5.0e-01
    : tensor<5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>
  return
}

// -----

func.func @invalid(%q: tensor<2x5x8xf32>,
                   %k: tensor<2x7x8xf32>,
                   %v: tensor<2x5x8xf32>) {
  // expected-error @below {{needs one type}}
  %y = burin.attention %q, %k, %v heads 2 scale 5.0e-01
    : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x5x8xf32>
  return
}

// -----

func.func @invalid(%q: tensor<2x5x8xf32>,
                   %k: tensor<3x7x8xf32>,
                   %v: tensor<3x7x8xf32>) {
  // expected-error @below {{only tokens may differ}}
  %y = burin.attention %q, %k, %v heads 2 scale 5.0e-01
    : tensor<2x5x8xf32>, tensor<3x7x8xf32>, tensor<3x7x8xf32>
  return
}

// -----

func.func @invalid(%q: tensor<2x5x8xf32>,
                   %k: tensor<2x7x8xf32>,
                   %v: tensor<2x7x8xf32>) {
  // expected-error @below {{3 heads do not divide a width of 8}}
  %y = burin.attention %q, %k, %v heads 3 scale 5.0e-01
    : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>
  return
}

// -----

func.func @invalid(%q: tensor<2x5x8xf32>,
                   %k: tensor<2x7x8xf32>,
                   %v: tensor<2x7x8xf32>) {
  // expected-error @below {{is causal over 5 queries and 7 keys, needs as many}}
  %y = burin.attention %q, %k, %v heads 2 scale 5.0e-01 causal
    : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>
  return
}

// -----

func.func @invalid(%q: tensor<2x5x8xf64>,
                   %k: tensor<2x7x8xf64>,
                   %v: tensor<2x7x8xf64>) {
  // expected-error @below {{has no kernel for 'f64'; cast to f32 or bf16}}
  %y = burin.attention %q, %k, %v heads 2 scale 5.0e-01
    : tensor<2x5x8xf64>, tensor<2x7x8xf64>, tensor<2x7x8xf64>
  return
}
