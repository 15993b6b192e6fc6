// SPDX-License-Identifier: Apache-2.0
// Optimises LLVM IR, emits an object and links it with LLD's library.
#include "compiler/codegen/cpu/object.h"

#include "lld/Common/Driver.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

#include <algorithm>

LLD_HAS_DRIVER(elf)

using namespace mlir;

namespace burin {
namespace {

constexpr llvm::StringLiteral kTriple = "x86_64-unknown-linux-gnu";

std::unique_ptr<llvm::TargetMachine> makeTarget(ModuleOp module,
                                                llvm::StringRef cpu) {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  llvm::Triple triple(kTriple);
  std::string error;
  const llvm::Target* target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target) {
    module.emitError("no code generator for ") << kTriple << ": " << error;
    return nullptr;
  }
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, cpu, /*Features=*/"", options, llvm::Reloc::PIC_,
      /*CM=*/std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

// The x86-64-v4 model prefers 256-bit vectors, which halves the throughput of
// the streaming loops that this compiler prints.
void setFunctionAttributes(llvm::Module& module, llvm::StringRef cpu) {
  for (llvm::Function& function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", cpu);
    if (cpu == "x86-64-v4")
      function.addFnAttr("prefer-vector-width", "512");
  }
}

void optimize(llvm::Module& module, llvm::TargetMachine& target) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&target);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(module, modules);
}

// LLD reads and writes files: both live in a fresh temporary folder.
FailureOr<std::vector<std::byte>> link(ModuleOp module,
                                       llvm::StringRef object) {
  llvm::SmallString<128> folder;
  if (std::error_code error =
          llvm::sys::fs::createUniqueDirectory("burin", folder))
    return module.emitError("no temporary folder for the linker: ")
           << error.message() << "; set TMPDIR to a writable one";
  llvm::scope_exit cleanUp([&] { llvm::sys::fs::remove_directories(folder); });
  llvm::SmallString<128> input(folder), output(folder);
  llvm::sys::path::append(input, "kernels.o");
  llvm::sys::path::append(output, "kernels.so");
  std::error_code error;
  {
    llvm::raw_fd_ostream stream(input, error);
    stream << object;
    stream.close();
    if (error || stream.has_error())
      return module.emitError("cannot write '")
             << input << "': " << (error ? error : stream.error()).message();
  }

  std::string messages;
  llvm::raw_string_ostream log(messages);
  const char* arguments[] = {
      "ld.lld",      "-shared",     "-z", "now",         "--build-id=none",
      "--strip-all", input.c_str(), "-o", output.c_str()};
  lld::Result linked =
      lld::lldMain(arguments, log, log, {{lld::Gnu, &lld::elf::link}});
  if (linked.retCode != 0)
    return module.emitError("linking generated code failed: ") << messages;

  auto buffer = llvm::MemoryBuffer::getFile(output);
  if (!buffer)
    return module.emitError("cannot read '")
           << output << "': " << buffer.getError().message();
  llvm::StringRef bytes = (*buffer)->getBuffer();
  auto first = reinterpret_cast<const std::byte*>(bytes.data());
  return std::vector<std::byte>(first, first + bytes.size());
}

} // namespace

void registerObjectTranslations(DialectRegistry& registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

FailureOr<std::vector<std::byte>> emitSharedObject(ModuleOp module,
                                                   llvm::StringRef cpu) {
  std::unique_ptr<llvm::TargetMachine> target = makeTarget(module, cpu);
  if (!target)
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(module, context, "burin");
  if (!code)
    return module.emitError("generated code has no LLVM form");
  code->setTargetTriple(target->getTargetTriple());
  code->setDataLayout(target->createDataLayout());
  setFunctionAttributes(*code, cpu);
  optimize(*code, *target);

  llvm::SmallString<0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager emitter;
  if (target->addPassesToEmitFile(emitter, stream, nullptr,
                                  llvm::CodeGenFileType::ObjectFile))
    return module.emitError("no object emitter for ") << kTriple;
  emitter.run(*code);
  return link(module, object);
}

} // namespace burin
