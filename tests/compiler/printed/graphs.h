// SPDX-License-Identifier: Apache-2.0
// The graphs whose printed kernels run on the CPU, as outlined kernels.
#pragma once

#include <cstdint>

namespace burin::printed {

struct Graph {
  const char* name;
  const char* text;
};

// Rows of slice number `slice`, of `extent` elements, lie so far apart: every
// third is a window of something wider, at an odd pitch.
constexpr int64_t pitchOf(unsigned slice, int64_t extent) {
  return slice % 3 == 1 ? extent + 5 : extent;
}
constexpr int64_t kAlignment = 256;

inline constexpr Graph kGraphs[] = {
    {"Flat", R"(
      func.func @k(%x: tensor<2x5x24xbf16>, %y: tensor<24xf32>,
                   %r: tensor<2x1x24xf32>) -> tensor<2x5x24xbf16> {
        %0 = burin.cast %x : tensor<2x5x24xbf16> to f32
        %1 = burin.binary "mul" %0, %y : tensor<2x5x24xf32>, tensor<24xf32>
        %2 = burin.unary "silu" %1 : tensor<2x5x24xf32>
        %3 = burin.binary "add" %2, %r
          : tensor<2x5x24xf32>, tensor<2x1x24xf32>
        %4 = burin.cast %3 : tensor<2x5x24xf32> to bf16
        return %4 : tensor<2x5x24xbf16>
      })"},
    {"Half", R"(
      func.func @k(%x: tensor<2x5x24xf16>, %y: tensor<24xf32>,
                   %r: tensor<2x5x24xf16>) -> tensor<2x5x24xf16> {
        %0 = burin.cast %y : tensor<24xf32> to f16
        %1 = burin.binary "add" %x, %0 : tensor<2x5x24xf16>, tensor<24xf16>
        %2 = burin.unary "silu" %1 : tensor<2x5x24xf16>
        %3 = burin.binary "add" %2, %r
          : tensor<2x5x24xf16>, tensor<2x5x24xf16>
        return %3 : tensor<2x5x24xf16>
      })"},
    // Products that know nothing of each other, with what is small beside them,
    // and two results.
    {"Meeting", R"(
      func.func @k(%x: tensor<2x5x24xf32>, %y: tensor<2x5x24xf32>,
                   %z: tensor<2x5x24xf32>, %s: tensor<2x1x1xf32>,
                   %t: tensor<2x1x1xf32>, %u: tensor<1xf32>)
          -> (tensor<2x5x24xf32>, tensor<2x5x24xf32>) {
        %0 = burin.binary "sub" %s, %t : tensor<2x1x1xf32>, tensor<2x1x1xf32>
        %1 = burin.unary "square" %u : tensor<1xf32>
        %2 = burin.binary "mul" %0, %1 : tensor<2x1x1xf32>, tensor<1xf32>
        %3 = burin.binary "mul" %x, %2 : tensor<2x5x24xf32>, tensor<2x1x1xf32>
        %4 = burin.binary "mul" %y, %t : tensor<2x5x24xf32>, tensor<2x1x1xf32>
        %5 = burin.binary "add" %3, %4
          : tensor<2x5x24xf32>, tensor<2x5x24xf32>
        %6 = burin.binary "min" %5, %s : tensor<2x5x24xf32>, tensor<2x1x1xf32>
        %7 = burin.binary "mul" %z, %s : tensor<2x5x24xf32>, tensor<2x1x1xf32>
        %8 = burin.binary "add" %6, %7
          : tensor<2x5x24xf32>, tensor<2x5x24xf32>
        return %5, %8 : tensor<2x5x24xf32>, tensor<2x5x24xf32>
      })"},
    {"OddWidth", R"(
      func.func @k(%x: tensor<3x33xf32>, %y: tensor<3x33xf32>,
                   %s: tensor<1xf32>) -> tensor<3x33xf32> {
        %0 = burin.binary "sub" %x, %y : tensor<3x33xf32>, tensor<3x33xf32>
        %1 = burin.binary "mul" %0, %s : tensor<3x33xf32>, tensor<1xf32>
        return %1 : tensor<3x33xf32>
      })"},
    {"Transposed", R"(
      func.func @k(%x: tensor<2x8x8x6xbf16>) -> tensor<2x6x8x8xbf16> {
        %0 = burin.transpose %x [0, 3, 1, 2] : tensor<2x8x8x6xbf16>
        return %0 : tensor<2x6x8x8xbf16>
      })"},
    // A window that begins where no vector does.
    {"Window", R"(
      func.func @k(%x: tensor<3x40xbf16>) -> tensor<3x16xbf16> {
        %0 = burin.slice %x axis 1 start 5 size 16 : tensor<3x40xbf16>
        %1 = burin.unary "square" %0 : tensor<3x16xbf16>
        return %1 : tensor<3x16xbf16>
      })"},
    {"LayerNorm", R"(
      func.func @k(%x: tensor<3x3x72xbf16>, %r: tensor<3x3x72xbf16>,
                   %g: tensor<72xf32>, %b: tensor<72xf32>)
          -> (tensor<3x3x72xbf16>, tensor<3x3x72xbf16>) {
        %0 = burin.binary "add" %x, %r
          : tensor<3x3x72xbf16>, tensor<3x3x72xbf16>
        %1 = burin.layer_norm %0, %g, %b eps 1.0e-05
          : tensor<3x3x72xbf16>, tensor<72xf32>, tensor<72xf32>
        return %0, %1 : tensor<3x3x72xbf16>, tensor<3x3x72xbf16>
      })"},
    {"Softmax", R"(
      func.func @k(%x: tensor<9x37xf32>) -> tensor<9x37xf32> {
        %0 = burin.softmax %x axis 1 : tensor<9x37xf32>
        return %0 : tensor<9x37xf32>
      })"},
    // Folds over an axis that others follow: values of a row meet in shared
    // memory.
    {"SoftmaxFirst", R"(
      func.func @k(%x: tensor<2x5x3x7xf32>) -> tensor<2x5x3x7xf32> {
        %0 = burin.softmax %x axis 1 : tensor<2x5x3x7xf32>
        return %0 : tensor<2x5x3x7xf32>
      })"},
    {"MeanOfMiddle", R"(
      func.func @k(%x: tensor<3x5x4x7xbf16>) -> tensor<3x1x1x7xbf16> {
        %0 = burin.reduce "mean" %x axes [1, 2] : tensor<3x5x4x7xbf16>
        return %0 : tensor<3x1x1x7xbf16>
      })"},
    // More than a warp's registers hold: the block is one team.
    {"LongRow", R"(
      func.func @k(%x: tensor<2x2000xf32>) -> tensor<2x1xf32> {
        %0 = burin.reduce "max" %x axes [1] : tensor<2x2000xf32>
        return %0 : tensor<2x1xf32>
      })"},
    // The same with values that stay in registers between folds.
    {"LongLayerNorm", R"(
      func.func @k(%x: tensor<2x1801xf32>, %g: tensor<1801xf32>)
          -> tensor<2x1801xf32> {
        %0 = burin.layer_norm %x, %g, %g eps 1.0e-05
          : tensor<2x1801xf32>, tensor<1801xf32>, tensor<1801xf32>
        return %0 : tensor<2x1801xf32>
      })"},
    // Divisions by a constant and of one, which are printed in ways of their
    // own where results are narrow.
    {"Quotients", R"(
      func.func @k(%x: tensor<4x24xbf16>, %y: tensor<4x24xf32>)
          -> (tensor<4x24xbf16>, tensor<4x24xbf16>) {
        %c = burin.constant 3.0 : tensor<1xf32>
        %0 = burin.cast %x : tensor<4x24xbf16> to f32
        %1 = burin.binary "div" %0, %c : tensor<4x24xf32>, tensor<1xf32>
        %2 = burin.unary "square" %y : tensor<4x24xf32>
        %3 = burin.binary "max" %2, %c : tensor<4x24xf32>, tensor<1xf32>
        %4 = burin.unary "reciprocal" %3 : tensor<4x24xf32>
        %5 = burin.cast %1 : tensor<4x24xf32> to bf16
        %6 = burin.cast %4 : tensor<4x24xf32> to bf16
        return %5, %6 : tensor<4x24xbf16>, tensor<4x24xbf16>
      })"},
    {"Integers", R"(
      func.func @k(%x: tensor<3x33xi64>, %y: tensor<33xi64>)
          -> (tensor<3x33xi64>, tensor<3x33xf32>) {
        %0 = burin.binary "mul" %x, %y : tensor<3x33xi64>, tensor<33xi64>
        %1 = burin.binary "min" %0, %x : tensor<3x33xi64>, tensor<3x33xi64>
        %2 = burin.cast %1 : tensor<3x33xi64> to f32
        return %1, %2 : tensor<3x33xi64>, tensor<3x33xf32>
      })"},
    {"Argmax", R"(
      func.func @k(%x: tensor<5x77xi64>) -> tensor<5xi64> {
        %0 = burin.argmax %x : tensor<5x77xi64>
        return %0 : tensor<5xi64>
      })"},
    {"Bias", R"(
      func.func @k(%t: tensor<2x3x40xbf16>, %b: tensor<40xf32>,
                   %v: tensor<2x1x40xbf16>, %r: tensor<2x3x40xbf16>)
          -> tensor<2x3x40xbf16> attributes {burin.epilogue} {
        %c = burin.cast %b : tensor<40xf32> to bf16
        %0 = burin.binary "add" %t, %c : tensor<2x3x40xbf16>, tensor<40xbf16>
        %1 = burin.binary "add" %0, %v
          : tensor<2x3x40xbf16>, tensor<2x1x40xbf16>
        %2 = burin.unary "silu" %1 : tensor<2x3x40xbf16>
        %3 = burin.binary "add" %2, %r
          : tensor<2x3x40xbf16>, tensor<2x3x40xbf16>
        return %3 : tensor<2x3x40xbf16>
      })"},
    {"OddBias", R"(
      func.func @k(%t: tensor<5x7xf32>, %r: tensor<5x7xf32>, %b: tensor<7xf32>)
          -> tensor<5x7xf32> attributes {burin.epilogue} {
        %0 = burin.binary "add" %t, %b : tensor<5x7xf32>, tensor<7xf32>
        %1 = burin.binary "mul" %0, %r : tensor<5x7xf32>, tensor<5x7xf32>
        return %1 : tensor<5x7xf32>
      })"},
    {"Gate", R"(
      func.func @k(%t: tensor<4x20xbf16>, %g: tensor<4x20xbf16>,
                   %b: tensor<20xf32>, %r: tensor<4x20xbf16>)
          -> tensor<4x20xbf16> attributes {burin.epilogue, burin.gated} {
        %c = burin.cast %b : tensor<20xf32> to bf16
        %0 = burin.binary "add" %g, %c : tensor<4x20xbf16>, tensor<20xbf16>
        %1 = burin.unary "gelu" %0 : tensor<4x20xbf16>
        %2 = burin.binary "mul" %t, %1 : tensor<4x20xbf16>, tensor<4x20xbf16>
        %3 = burin.binary "add" %2, %r : tensor<4x20xbf16>, tensor<4x20xbf16>
        return %3 : tensor<4x20xbf16>
      })"},
};

} // namespace burin::printed
