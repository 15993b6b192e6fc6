// SPDX-License-Identifier: Apache-2.0
// cuModuleLoadDataEx, and whether code and card fit.
#include "runtime/device/cuda/cuda_image.h"

#include <array>
#include <charconv>

namespace burin::cuda {
namespace {

class CudaImage final : public CodeImage {
public:
  CudaImage(CudaContext& context, Module module)
      : context_(context), module_(module) {}
  ~CudaImage() override {
    context_.enterToFree();
    context_.driver.moduleUnload(module_);
  }

  Result<KernelHandle> find(const std::string& symbol) const override {
    BURIN_TRY(context_.enter());
    Function function = nullptr;
    Code code =
        context_.driver.moduleFunction(&function, module_, symbol.c_str());
    if (code == kNotFoundCode)
      return dataLoss("generated code has no symbol '" + symbol +
                      "'; compile the module again");
    BURIN_TRY(context_.check(code, "search for kernel '" + symbol + "'"));
    return static_cast<KernelHandle>(function);
  }

private:
  CudaContext& context_;
  Module module_;
};

Status misfit(const CudaContext& context, std::string_view target) {
  const CudaInfo& info = context.info;
  std::string own = std::to_string(info.major) + std::to_string(info.minor);
  return unavailable("the module holds code for " + std::string(target) + ", " +
                     context.name + " (" + info.card +
                     ") has compute capability " + std::to_string(info.major) +
                     "." + std::to_string(info.minor) + "; compile for sm_" +
                     own + (info.major >= 9 ? "a" : ""));
}

// Machine code runs on cards of its generation from its version on, text also
// on later ones, and either with the suffix "a" on its own version alone.
Status checkTarget(const CudaContext& context, const ImageSource& source) {
  std::string_view target = source.target;
  int version = 0;
  bool known = target.starts_with("sm_");
  const char* end = target.data() + target.size();
  if (known) {
    auto [next, error] = std::from_chars(target.data() + 3, end, version);
    known = error == std::errc() && version >= 10;
    target.remove_prefix(static_cast<size_t>(next - target.data()));
  }
  if (!known || (!target.empty() && target != "a"))
    return unavailable("the module holds code for the unknown target '" +
                       std::string(source.target) +
                       "'; compile it with this version of Burin");
  int own = 10 * context.info.major + context.info.minor;
  bool fits = target == "a" ? own == version
              : source.kind == ImageKind::kPtx
                  ? own >= version
                  : own / 10 == version / 10 && own >= version;
  return fits ? okStatus() : misfit(context, source.target);
}

} // namespace

Result<std::unique_ptr<CodeImage>> loadCudaImage(CudaContext& context,
                                                 const ImageSource& source) {
  if (source.kind == ImageKind::kCpuElf)
    return unavailable("the module holds code for " +
                       std::string(source.target) +
                       ", which a GPU cannot run; compile it for " +
                       context.info.card + " or use --device cpu");
  BURIN_TRY(checkTarget(context, source));
  // A copy ends in a zero, as text must, and is aligned, as code should be.
  std::string code(reinterpret_cast<const char*>(source.code.data()),
                   source.code.size());
  std::array<char, 4096> log = {};
  std::array<int, 2> options = {kJitErrorLog, kJitErrorLogBytes};
  std::array<void*, 2> values = {log.data(),
                                 reinterpret_cast<void*>(log.size() - 1)};
  Module module = nullptr;
  context.countBlocking();
  Code result = context.driver.moduleLoad(&module, code.data(), options.size(),
                                          options.data(), values.data());
  if (result == kNoBinaryForGpu)
    return misfit(context, source.target);
  std::string what = "loading of code for " + std::string(source.target);
  Status status = context.check(result, what);
  if (status.ok())
    return std::unique_ptr<CodeImage>(
        std::make_unique<CudaImage>(context, module));
  if (result == kUnsupportedPtx)
    return unavailable(status.message() + "; install a newer NVIDIA driver");
  return log[0] ? Status(status.code(), status.message() + "\n" + log.data())
                : status;
}

} // namespace burin::cuda
