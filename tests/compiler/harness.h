// SPDX-License-Identifier: Apache-2.0
// Compiles a function given as text and runs it on the CPU device.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "formats/module/module.h"
#include "runtime/base/dtype.h"

namespace burin::testing {

struct Tensor {
  DType dtype = DType::kF32;
  Shape shape;
  std::vector<std::byte> data;

  template <typename T>
  std::vector<T> values() const {
    const auto* first = reinterpret_cast<const T*>(data.data());
    return {first, first + data.size() / sizeof(T)};
  }
};

Tensor tensorOf(Shape shape, const std::vector<float>& values);
// Values that look random and are the same every time, in [-1, 1).
Tensor noise(Shape shape, uint32_t seed);

using Tensors = std::map<std::string, Tensor>;

// The processor level of this machine that generated code may use.
std::string hostTarget();

// Compiles `text` and returns the module's bytes; a test failure if it cannot.
std::vector<std::byte> compileText(const std::string& text,
                                   const std::string& target = hostTarget());

// Runs the module's function `name`; inputs and constants by name.
Tensors run(const std::vector<std::byte>& module, const std::string& name,
            const Tensors& inputs, const Tensors& constants);

} // namespace burin::testing
