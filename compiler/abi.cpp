// SPDX-License-Identifier: Apache-2.0
// The C interface over graph construction and compilation.
#include "compiler/abi.h"

#include "compiler/compile.h"
#include "models/graph/build.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <cstdlib>
#include <cstring>
#include <string>

namespace burin {
namespace {

Result<std::vector<std::byte>> compileRequest(std::string_view json) {
  BURIN_ASSIGN(models::CompileRequest request,
               models::parseCompileRequest(json));
  mlir::DialectRegistry registry;
  registerCompiler(registry);
  mlir::MLIRContext context(registry);
  std::string messages;
  mlir::ScopedDiagnosticHandler collect(
      &context, [&](mlir::Diagnostic& diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
          return mlir::success();
        llvm::raw_string_ostream stream(messages);
        if (!messages.empty())
          stream << "; ";
        if (auto name = mlir::dyn_cast<mlir::NameLoc>(diagnostic.getLocation()))
          stream << name.getName().getValue() << ": ";
        stream << diagnostic;
        return mlir::success();
      });
  BURIN_ASSIGN(auto module, models::buildModule(context, request));
  auto bytes = compileModule(*module, {.target = request.target});
  if (failed(bytes))
    return invalidArgument(messages.empty() ? "the compiler gave no reason"
                                            : messages);
  return *std::move(bytes);
}

void give(BurinBytes* target, const void* data, size_t size) {
  *target = {nullptr, 0};
  if (size == 0)
    return;
  target->data = static_cast<uint8_t*>(std::malloc(size));
  if (!target->data)
    return;
  std::memcpy(target->data, data, size);
  target->size = size;
}

} // namespace
} // namespace burin

int burinCompile(const char* request, size_t size, BurinBytes* module,
                 BurinBytes* error) {
  *module = {nullptr, 0};
  *error = {nullptr, 0};
  auto bytes = burin::compileRequest({request, size});
  if (!bytes.ok()) {
    const std::string& message = bytes.status().message();
    burin::give(error, message.data(), message.size());
    return 1;
  }
  burin::give(module, bytes->data(), bytes->size());
  return module->data ? 0 : 1;
}

void burinRelease(BurinBytes* bytes) {
  std::free(bytes->data);
  *bytes = {nullptr, 0};
}
