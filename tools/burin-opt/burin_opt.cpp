// SPDX-License-Identifier: Apache-2.0
// The pass driver: reads IR, runs passes, prints IR. For tests and for people
// who work on the compiler.
#include "compiler/compile.h"
#include "compiler/passes/passes.h"
#include "tools/burin-opt/op_passes.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char** argv) {
  mlir::DialectRegistry registry;
  burin::registerCompiler(registry);
  burin::registerBurinPasses();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  burin::registerOpPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Burin pass driver\n", registry));
}
