// SPDX-License-Identifier: Apache-2.0
// dlopen of an anonymous memory file.
#include "runtime/device/cpu/elf_image.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace burin {
namespace {

class ElfImage final : public CodeImage {
public:
  explicit ElfImage(int descriptor) : descriptor_(descriptor) {}
  ~ElfImage() override {
    if (library_)
      dlclose(library_);
    close(descriptor_);
  }

  Status fill(std::span<const std::byte> elf) const {
    for (size_t done = 0; done < elf.size();) {
      ssize_t count =
          ::write(descriptor_, elf.data() + done, elf.size() - done);
      if (count < 0 && errno != EINTR)
        return {Code::kOutOfMemory,
                "cannot store " + std::to_string(elf.size()) +
                    " bytes of generated code: " + std::strerror(errno)};
      if (count > 0)
        done += static_cast<size_t>(count);
    }
    return okStatus();
  }

  Status open() {
    // The linker takes a path that it has seen for a library that it has
    // loaded, so the descriptor, and with it the path, stays ours until the
    // library is closed.
    std::string path = "/proc/self/fd/" + std::to_string(descriptor_);
    library_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library_)
      return dataLoss(std::string("cannot load generated code: ") + dlerror() +
                      "; compile the module again");
    return okStatus();
  }

  Result<KernelHandle> find(const std::string& symbol) const override {
    void* address = dlsym(library_, symbol.c_str());
    if (!address)
      return dataLoss("generated code has no symbol '" + symbol +
                      "'; compile the module again");
    return address;
  }

private:
  int descriptor_;
  void* library_ = nullptr;
};

} // namespace

Result<std::unique_ptr<CodeImage>>
loadElfImage(std::span<const std::byte> elf) {
  int descriptor = memfd_create("burin-code", MFD_CLOEXEC);
  if (descriptor < 0)
    return unavailable(
        std::string("cannot create memory for generated code: ") +
        std::strerror(errno));
  auto image = std::make_unique<ElfImage>(descriptor);
  BURIN_TRY(image->fill(elf));
  BURIN_TRY(image->open());
  return std::unique_ptr<CodeImage>(std::move(image));
}

} // namespace burin
