// SPDX-License-Identifier: Apache-2.0
// What a step of a program becomes on a GPU: the text of a kernel and how it
// is launched. Plans are made where modules are compiled, without a GPU.
//
// A kernel's parameters are, in this order (formats/module/module.fbs, Grid):
//   const __grid_constant__ Views<n> views   one View a slice of the step
//   const __grid_constant__ TensorMap ...    one for each of `maps`
//   const __grid_constant__ <struct>         the bytes of `constants`, if any
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/dtype.h"
#include "runtime/base/status.h"

namespace burin::kernels::cuda {

// What is known of a slice when its kernel is chosen: rows of `extent`
// contiguous elements, `pitch` elements apart, the first at an address that is
// a multiple of `alignment` bytes.
struct SliceInfo {
  DType dtype;
  int64_t rows;
  int64_t extent;
  int64_t pitch;
  int64_t alignment;
  bool constant = false; // a parameter: no kernel of a run writes it
};

// The card that code is made for.
struct Target {
  std::string name; // "sm_90a", "sm_80"
  int capability;   // 90, 80
  bool hasTensorMaps() const { return capability >= 90; }
};

// Of an H100 SXM, for which grids are chosen.
constexpr int64_t kMultiprocessors = 132;

// A tensor map over slice number `slice` of the step.
struct MapPlan {
  uint32_t slice;
  uint64_t byteOffset = 0;
  std::vector<uint64_t> extents; // innermost first
  std::vector<uint64_t> strides; // bytes, of extents 1 and up
  std::vector<uint32_t> box;
  std::vector<uint32_t> steps = {}; // empty: all 1
  uint8_t swizzle = 128;
};

// `source` is a translation unit that defines `symbol` as extern "C" and
// includes headers of this folder by their path below kernels/cuda
// ("contract/contract_sm90.cuh"). Equal plans have equal text and symbol, so
// `symbol` must name everything that the text depends on, or end in a hash.
struct LaunchPlan {
  std::string symbol;
  std::string source;
  std::array<uint32_t, 3> blocks = {1, 1, 1};
  uint32_t threads = 1;
  uint32_t cluster = 1;
  uint32_t sharedBytes = 0;
  std::vector<MapPlan> maps;
  std::vector<std::byte> constants;
  bool overlaps = true; // every kernel begins with waitForPrevious()
};

// What follows a contraction, printed by the compiler: a struct `Epilogue`
// with
//   static constexpr int kOutputs;       columns of a gate, or of the result
//   static constexpr bool kGated;        columns c and c + kOutputs of the
//                                        product meet in one result
//   struct Operand;                      what is read beside the sums
//   __device__ Operand fetch(const View* views, int row, int column) const;
//   __device__ void finish(const View* views, float (&value)[8],
//       float (&gate)[8], const Operand&, int row, int column) const;
// for 8 columns from `column`, a multiple of 8 below kOutputs, of row `row` of
// the product; what lies past kOutputs is left alone. `views` are the slices
// of the epilogue, which follow the kernel's own.
struct EpilogueText {
  std::string text;
  std::string name; // part of symbols: equal for equal texts
  bool gated = false;
  uint32_t slices = 0;
};

// The text of a header by its path below kernels/cuda, or empty.
std::string_view headerText(std::string_view path);
struct Header {
  std::string_view path;
  std::string_view text;
};
std::span<const Header> headers();

// The bytes of a plain struct, for LaunchPlan::constants.
template <typename Struct>
std::vector<std::byte> bytesOf(const Struct& value) {
  auto first = reinterpret_cast<const std::byte*>(&value);
  return {first, first + sizeof(Struct)};
}

} // namespace burin::kernels::cuda
