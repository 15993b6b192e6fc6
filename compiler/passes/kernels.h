// SPDX-License-Identifier: Apache-2.0
// Attribute and symbol names that passes, and those who read their result,
// agree on.
#pragma once

#include "llvm/ADT/StringRef.h"

namespace burin {

// The nested module that holds generated functions.
inline constexpr llvm::StringLiteral kKernelsModule = "kernels";
// On a kernel: its first argument is the tile of a contraction.
inline constexpr llvm::StringLiteral kEpilogueAttr = "burin.epilogue";
// On an epilogue: its first two arguments are the halves of the tile's columns.
inline constexpr llvm::StringLiteral kGatedAttr = "burin.gated";
// On a generated LaunchFn: how many work items, rows, there are.
inline constexpr llvm::StringLiteral kWorkItemsAttr = "burin.work_items";
// On a generated function: for each of its results the slice, among those it
// captures, that may share the result's memory, or -1.
inline constexpr llvm::StringLiteral kInPlaceAttr = "burin.in_place";
// On an argument or result of a function: its name outside.
inline constexpr llvm::StringLiteral kValueNameAttr = "burin.name";

// On an argument: it keeps its value over many calls of the function.
inline constexpr llvm::StringLiteral kInvariantAttr = "burin.invariant";
// Ends the name of the function that computes another's invariants.
inline constexpr llvm::StringLiteral kInvariantsSuffix = ".invariants";

// On a function: the bytes that its arguments, results and arena may take.
inline constexpr llvm::StringLiteral kMemoryBudgetAttr = "burin.memory_budget";
// On a function that keeps to one: what is left of it for the arena.
inline constexpr llvm::StringLiteral kArenaBudgetAttr = "burin.arena_budget";
// Ends the name of a layer whose values are computed a second time.
inline constexpr llvm::StringLiteral kAgainSuffix = ".again";

} // namespace burin
