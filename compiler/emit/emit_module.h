// SPDX-License-Identifier: Apache-2.0
// The last stage: functions of regions and their native code to a module.
#pragma once

#include "formats/module/module.h"
#include "kernels/cuda/plan.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace burin {

// The name that the producer field of modules and cache keys carry.
std::string compilerVersion();

// `module` holds functions of regions whose kernels are named, and `image` the
// shared object with those kernels for processor level `target` (empty where
// no kernel was generated). Plans memory on the way.
mlir::FailureOr<module::ModuleT> emitModule(mlir::ModuleOp module,
                                            llvm::ArrayRef<std::byte> image,
                                            llvm::StringRef target);

// The same for a GPU: `module`'s kernels are linalg, and become machine code
// here.
mlir::FailureOr<module::ModuleT>
emitCudaModule(mlir::ModuleOp module, const kernels::cuda::Target& target);

} // namespace burin
