// SPDX-License-Identifier: Apache-2.0
// Compiles the texts of plans for a GPU, where NVRTC is installed.
#pragma once

#include <memory>
#include <string>

#include "kernels/cuda/plan.h"

namespace burin::kernels::cuda {

struct Compiled {
  bool ok;
  std::string log; // the compiler's, with what ptxas -v says
};

class Nvrtc {
public:
  // Null where the library cannot be opened; `reason` says why.
  static std::unique_ptr<Nvrtc> open(std::string& reason);
  ~Nvrtc();

  Compiled compile(const LaunchPlan& plan, const Target& target) const;

private:
  explicit Nvrtc(void* library) : library_(library) {}
  template <typename Function>
  Function* find(const char* symbol) const;

  void* library_;
};

} // namespace burin::kernels::cuda
