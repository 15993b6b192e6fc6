// SPDX-License-Identifier: Apache-2.0
// The burin dialect, its interfaces and all its ops.
#pragma once

#include "compiler/dialect/interfaces.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "compiler/dialect/dialect.h.inc"

#include "compiler/dialect/interfaces.h.inc"

#define GET_OP_CLASSES
#include "compiler/dialect/ops.h.inc"
