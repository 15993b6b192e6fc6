// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @cross
// CHECK: %{{.*}}, %{{.*}}, %{{.*}} = burin.attention_gradient %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} heads 2 scale 5.000000e-01 : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>
func.func @cross(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>,
                 %v: tensor<2x7x8xf32>, %y: tensor<2x5x8xf32>,
                 %dy: tensor<2x5x8xf32>)
    -> (tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>) {
  // expected-remark @below {{6720 operations, 3072 bytes; calls attention_gradient.f32 [2, 5, 7, 2, 4, 0, 4602678819172646912] on 5 operands}}
  %dq, %dk, %dv = burin.attention_gradient %q, %k, %v, %y, %dy
    heads 2 scale 5.0e-01
    : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>,
      tensor<2x5x8xf32>, tensor<2x5x8xf32>
  return %dq, %dk, %dv
    : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>
}

// CHECK-LABEL: @causal
// CHECK: burin.attention_gradient {{.*}} scale 5.000000e-01 causal : tensor<2x5x8xbf16>
func.func @causal(%x: tensor<2x5x8xbf16>) -> tensor<2x5x8xbf16> {
  // expected-remark @below {{2880 operations, 1280 bytes; calls attention_gradient.bf16 [2, 5, 5, 2, 4, 1, 4602678819172646912] on 5 operands}}
  %dq, %dk, %dv = burin.attention_gradient %x, %x, %x, %x, %x
    heads 2 scale 5.0e-01 causal
    : tensor<2x5x8xbf16>, tensor<2x5x8xbf16>, tensor<2x5x8xbf16>,
      tensor<2x5x8xbf16>, tensor<2x5x8xbf16>
  return %dq : tensor<2x5x8xbf16>
}

// -----

func.func @invalid(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>,
                   %y: tensor<2x5x8xf32>, %dy: tensor<2x5x8xf32>) {
  // expected-error @below {{3 heads do not divide a width of 8}}
  %dq, %dk, %dv = burin.attention_gradient %q, %k, %k, %y, %dy
    heads 3 scale 5.0e-01
    : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>,
      tensor<2x5x8xf32>, tensor<2x5x8xf32>
  return
}

// -----

func.func @invalid(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>,
                   %y: tensor<2x5x8xf32>, %dy: tensor<2x5x8xf32>) {
  // expected-error @below {{is causal over 5 queries and 7 keys, needs as many}}
  %dq, %dk, %dv = burin.attention_gradient %q, %k, %k, %y, %dy
    heads 2 scale 5.0e-01 causal
    : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>,
      tensor<2x5x8xf32>, tensor<2x5x8xf32>
  return
}

// -----

func.func @invalid(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>,
                   %y: tensor<2x5x8xf32>, %dy: tensor<2x7x8xf32>) {
  // expected-error @below {{output and cotangent are 'tensor<2x5x8xf32>' and 'tensor<2x7x8xf32>', the result of attention is 'tensor<2x5x8xf32>'}}
  %dq, %dk, %dv = burin.attention_gradient %q, %k, %k, %y, %dy
    heads 2 scale 5.0e-01
    : tensor<2x5x8xf32>, tensor<2x7x8xf32>, tensor<2x7x8xf32>,
      tensor<2x5x8xf32>, tensor<2x7x8xf32>
  return
}

// -----

func.func @invalid(%q: tensor<2x5x8xf64>, %k: tensor<2x7x8xf64>,
                   %y: tensor<2x5x8xf64>, %dy: tensor<2x5x8xf64>) {
  // expected-error @below {{has no kernel for 'f64'; cast to f32 or bf16}}
  %dq, %dk, %dv = burin.attention_gradient %q, %k, %k, %y, %dy
    heads 2 scale 5.0e-01
    : tensor<2x5x8xf64>, tensor<2x7x8xf64>, tensor<2x7x8xf64>,
      tensor<2x5x8xf64>, tensor<2x5x8xf64>
  return
}
