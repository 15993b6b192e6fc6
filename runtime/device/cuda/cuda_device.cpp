// SPDX-License-Identifier: Apache-2.0
// Memory and transfers of a CUDA device.
#include "runtime/device/cuda/cuda_device.h"

#include <algorithm>

#include "runtime/device/cuda/cuda_command_buffer.h"
#include "runtime/device/cuda/cuda_context.h"
#include "runtime/device/cuda/cuda_image.h"
#include "runtime/device/cuda/staging.h"

namespace burin {
namespace {

using cuda::pointer;

class Card final : public CudaDevice {
public:
  Card() : staging_(context_) {}
  ~Card() override {
    // What is still queued reads the staging buffers.
    if (!context_.stream)
      return;
    context_.enterToFree();
    context_.driver.streamSynchronize(context_.stream);
  }
  Status open(const CudaOptions& options) { return context_.open(options); }

  std::string_view name() const override { return context_.name; }
  const CudaInfo& info() const override { return context_.info; }
  Result<CudaMemory> memory() override {
    BURIN_TRY(context_.enter());
    CudaMemory memory = {};
    BURIN_TRY(context_.check(
        context_.driver.memGetInfo(&memory.freeBytes, &memory.totalBytes),
        "reading of the free memory"));
    return memory;
  }

  Result<void*> queue() override {
    BURIN_TRY(context_.enter());
    return static_cast<void*>(context_.stream);
  }

  Result<Memory> allocate(size_t bytes) override;
  Result<std::unique_ptr<CodeImage>>
  loadImage(const ImageSource& source) override {
    BURIN_TRY(context_.enter());
    return cuda::loadCudaImage(context_, source);
  }
  std::unique_ptr<CommandBuffer> createCommandBuffer() override {
    return std::make_unique<cuda::CudaCommandBuffer>(context_);
  }

  bool sharesMemory() const override { return false; }
  Status upload(std::byte* target, std::span<const std::byte> source) override {
    BURIN_TRY(context_.enter());
    return staging_.upload(target, source);
  }
  Status download(std::span<std::byte> target,
                  const std::byte* source) override {
    BURIN_TRY(context_.enter());
    if (target.empty())
      return okStatus();
    BURIN_TRY(context_.check(
        context_.driver.copyToHost(target.data(), pointer(source),
                                   target.size(), context_.stream),
        "download of " + std::to_string(target.size()) + " bytes"));
    return context_.synchronize();
  }
  Status synchronize() override {
    BURIN_TRY(context_.enter());
    return context_.synchronize();
  }

private:
  void free(std::byte* data, size_t size) noexcept override {
    context_.info.allocatedBytes -= size;
    context_.countBlocking();
    context_.enterToFree();
    context_.driver.memFree(pointer(data));
  }

  cuda::CudaContext context_;
  cuda::Staging staging_;
};

Result<Memory> Card::allocate(size_t bytes) {
  BURIN_TRY(context_.enter());
  if (bytes == 0)
    return Memory();
  BURIN_ASSIGN(CudaMemory memory, this->memory());
  cuda::DevicePointer address = 0;
  context_.countBlocking();
  // More than there is on the whole card: the driver calls that invalid.
  cuda::Code code = bytes > memory.totalBytes
                        ? cuda::kOutOfMemoryCode
                        : context_.driver.memAlloc(&address, bytes);
  BURIN_TRY(context_.check(code, "allocation of " + std::to_string(bytes) +
                                     " bytes"));
  CudaInfo& info = context_.info;
  info.allocatedBytes += bytes;
  info.peakBytes = std::max(info.peakBytes, info.allocatedBytes);
  Memory result(this, reinterpret_cast<std::byte*>(address), bytes);
  BURIN_TRY(context_.check(
      context_.driver.fillBytes(address, 0, bytes, context_.stream),
      "clearing of " + std::to_string(bytes) + " bytes"));
  return result;
}

} // namespace

Result<std::unique_ptr<CudaDevice>>
createCudaDevice(const CudaOptions& options) {
  auto card = std::make_unique<Card>();
  BURIN_TRY(card->open(options));
  return std::unique_ptr<CudaDevice>(std::move(card));
}

} // namespace burin
