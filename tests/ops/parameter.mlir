// RUN: burin-opt %s --split-input-file --verify-diagnostics --burin-explain \
// RUN:   | burin-opt | FileCheck %s

// CHECK-LABEL: @parameter
// CHECK: burin.parameter "unet.conv_in.bias" : tensor<320xf16>
func.func @parameter()
    -> tensor<320xf16> {
  // expected-remark @below {{0 operations, 0 bytes}}
  %y = burin.parameter "unet.conv_in.bias" : tensor<320xf16>
  return %y : tensor<320xf16>
}

// -----

func.func @invalid() {
  // expected-error @below {{has an empty name}}
  %y = burin.parameter "" : tensor<2x3xf32>
  return
}
