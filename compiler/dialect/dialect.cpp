// SPDX-License-Identifier: Apache-2.0
// Registers the dialect and the ops that ops/CMakeLists.txt lists.
#include "compiler/dialect/dialect.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

#include "compiler/dialect/dialect.cpp.inc"

#include "compiler/dialect/interfaces.cpp.inc"

#define GET_OP_CLASSES
#include "compiler/dialect/ops.cpp.inc"

void burin::BurinDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "compiler/dialect/ops.cpp.inc"
      >();
}
