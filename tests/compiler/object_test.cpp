// SPDX-License-Identifier: Apache-2.0
// Native code: text of the LLVM dialect to a shared object that loads and runs.
#include "compiler/codegen/cpu/object.h"
#include "tests/compiler/native_code.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

namespace burin {
namespace {

constexpr const char* kAxpy = R"(
llvm.func @axpy(%x: !llvm.ptr {llvm.noalias}, %y: !llvm.ptr {llvm.noalias},
                %a: f32, %n: i64) {
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  llvm.br ^head(%zero : i64)
^head(%i: i64):
  %more = llvm.icmp "slt" %i, %n : i64
  llvm.cond_br %more, ^body, ^done
^body:
  %px = llvm.getelementptr %x[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %py = llvm.getelementptr %y[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %vx = llvm.load %px : !llvm.ptr -> f32
  %vy = llvm.load %py : !llvm.ptr -> f32
  %ax = llvm.fmul %a, %vx : f32
  %sum = llvm.fadd %ax, %vy : f32
  llvm.store %sum, %py : f32, !llvm.ptr
  %next = llvm.add %i, %one : i64
  llvm.br ^head(%next : i64)
^done:
  llvm.return
}
)";

std::vector<std::byte> compileText(const char* text, llvm::StringRef cpu) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::LLVM::LLVMDialect>();
  registerObjectTranslations(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    return {};
  auto bytes = emitSharedObject(*module, cpu);
  return succeeded(bytes) ? *bytes : std::vector<std::byte>();
}

TEST(Object, LoadsAndRuns) {
  std::vector<std::byte> bytes = compileText(kAxpy, "x86-64-v3");
  ASSERT_FALSE(bytes.empty());
  NativeCode code(bytes);
  auto* axpy = code.find<void(const float*, float*, float, int64_t)>("axpy");
  ASSERT_NE(axpy, nullptr);
  std::vector<float> x(37), y(37);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i);
    y[i] = 1;
  }
  axpy(x.data(), y.data(), 2, static_cast<int64_t>(x.size()));
  for (size_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(y[i], 2 * static_cast<float>(i) + 1);
}

TEST(Object, LinksMoreThanOnceInAProcess) {
  EXPECT_FALSE(compileText(kAxpy, "x86-64-v3").empty());
  EXPECT_FALSE(compileText(kAxpy, "x86-64-v4").empty());
}

} // namespace
} // namespace burin
