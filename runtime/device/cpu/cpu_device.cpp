// SPDX-License-Identifier: Apache-2.0
// Memory, images and threads of the CPU device.
#include "runtime/device/cpu/cpu_device.h"

#include <sched.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "runtime/device/cpu/cpu_command_buffer.h"
#include "runtime/device/cpu/cpu_target.h"
#include "runtime/device/cpu/elf_image.h"

namespace burin {

int availableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0)
    return 1;
  return std::max(1, CPU_COUNT(&set));
}

namespace {

class CpuDevice final : public Device {
public:
  explicit CpuDevice(const CpuOptions& options)
      : context_{ThreadPool(options.threads > 0 ? options.threads
                                                : availableProcessors()),
                 options.findKernel, Scratch()} {}

  std::string_view name() const override { return "cpu"; }

  Result<Memory> allocate(size_t bytes) override {
    if (bytes == 0)
      return Memory();
    void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED)
      return Status(Code::kOutOfMemory,
                    "cannot allocate " + std::to_string(bytes) +
                        " bytes: " + std::strerror(errno) +
                        "; a smaller size or batch needs less");
    // Weights are swept in every step: large pages spare most TLB misses.
    madvise(data, bytes, MADV_HUGEPAGE);
    return Memory(this, static_cast<std::byte*>(data), bytes);
  }

  Result<std::unique_ptr<CodeImage>>
  loadImage(const ImageSource& source) override {
    if (source.kind != ImageKind::kCpuElf)
      return unavailable("the module holds code for " +
                         std::string(source.target) +
                         ", which a CPU cannot run; compile it for the CPU");
    BURIN_TRY(checkTarget(source.target));
    return loadElfImage(source.code);
  }

  std::unique_ptr<CommandBuffer> createCommandBuffer() override {
    return std::make_unique<CpuCommandBuffer>(context_);
  }

  bool sharesMemory() const override { return true; }
  Status upload(std::byte* target, std::span<const std::byte> source) override {
    std::memcpy(target, source.data(), source.size());
    return okStatus();
  }
  Status download(std::span<std::byte> target,
                  const std::byte* source) override {
    std::memcpy(target.data(), source, target.size());
    return okStatus();
  }
  Status synchronize() override { return okStatus(); }

private:
  void free(std::byte* data, size_t size) noexcept override {
    munmap(data, size);
  }

  CpuContext context_;
};

} // namespace

std::unique_ptr<Device> createCpuDevice(const CpuOptions& options) {
  return std::make_unique<CpuDevice>(options);
}

} // namespace burin
