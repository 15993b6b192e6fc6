// SPDX-License-Identifier: Apache-2.0
// Modules: what the reader accepts, the runtime must be able to record.
#include <cstring>

#include "formats/module/module.h"
#include "runtime/program/program.h"
#include "tests/formats/sample_module.h"
#include "tests/robustness/fuzz.h"

namespace burin {
namespace {

class NullImage final : public CodeImage {
  Result<KernelHandle> find(const std::string&) const override {
    return KernelHandle{nullptr};
  }
};

// Touches what it is handed, as a device would, and does nothing.
class NullCommands final : public CommandBuffer {
public:
  Status launch(KernelHandle, std::span<const Operand> slices, int64_t,
                const Grid* grid) override {
    if (grid)
      see(*grid, slices);
    return see(slices);
  }
  Status call(const std::string&, std::span<const Operand> slices,
              std::span<const int64_t> params,
              std::span<const KernelHandle> callbacks,
              std::span<const Operand> callbackSlices) override {
    for (int64_t param : params)
      sum_ += static_cast<uint64_t>(param);
    sum_ += callbacks.size();
    (void)see(slices);
    return see(callbackSlices);
  }
  Status copy(const Operand& source, const Operand& target) override {
    (void)see({&source, 1});
    return see({&target, 1});
  }
  Status fill(const Operand& target, uint64_t) override {
    return see({&target, 1});
  }
  Status collective(const Operand& target, Reduction) override {
    return see({&target, 1});
  }
  Status finish() override { return okStatus(); }
  Status execute(std::span<std::byte* const>, const ExecuteOptions&) override {
    return okStatus();
  }

private:
  // Sizes that the reader vouches for: no overflow may happen here.
  Status see(std::span<const Operand> operands) {
    for (const Operand& operand : operands)
      if (operand.rows > 0)
        sum_ += static_cast<uint64_t>(
            operand.byteOffset +
            ((operand.rows - 1) * operand.pitch + operand.extent) *
                static_cast<int64_t>(byteSize(operand.dtype)));
    return okStatus();
  }
  // Maps that the reader vouches for.
  void see(const Grid& grid, std::span<const Operand> slices) {
    for (const TensorMap& map : grid.maps)
      for (size_t i = 0; i < map.extents.size(); ++i)
        sum_ += static_cast<uint64_t>(slices[map.slice].byteOffset) +
                map.extents[i] * (i > 0 ? map.strides[i - 1] : 1) +
                map.box[i] / map.steps[i];
    for (std::byte constant : grid.constants)
      sum_ += static_cast<uint64_t>(constant);
  }
  uint64_t sum_ = 0;
};

class NullDevice final : public Device {
public:
  std::string_view name() const override { return "null"; }
  Result<Memory> allocate(size_t bytes) override {
    if (bytes > sizeof(memory_))
      return Status(Code::kOutOfMemory, "too much");
    return Memory(this, memory_, bytes);
  }
  Result<std::unique_ptr<CodeImage>> loadImage(const ImageSource&) override {
    return std::unique_ptr<CodeImage>(new NullImage());
  }
  std::unique_ptr<CommandBuffer> createCommandBuffer() override {
    return std::make_unique<NullCommands>();
  }
  bool sharesMemory() const override { return true; }
  Status upload(std::byte*, std::span<const std::byte>) override {
    return okStatus();
  }
  Status download(std::span<std::byte>, const std::byte*) override {
    return okStatus();
  }
  Status synchronize() override { return okStatus(); }

private:
  void free(std::byte*, size_t) noexcept override {}
  alignas(64) std::byte memory_[1 << 16];
};

} // namespace

std::vector<std::vector<std::byte>> fuzzSeeds() {
  module::ModuleT smaller = module::sampleModule();
  smaller.functions.resize(1);
  smaller.functions[0]->steps.resize(2);
  return {module::writeUnchecked(module::sampleModule()),
          module::writeUnchecked(smaller)};
}

} // namespace burin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0)
    std::memcpy(bytes.data(), data, size);
  burin::NullDevice device;
  auto program = burin::Program::load(bytes, device);
  if (!program.ok())
    return 0;
  (void)(*program)->bind(
      [](std::string_view) { return burin::notFound("nothing here"); });
  return 0;
}
