// SPDX-License-Identifier: Apache-2.0
// Reading, writing and small questions about modules.
#include "formats/module/module.h"

#include <string>
#include <string_view>

#include "formats/module/check.h"

namespace burin::module {

Result<const Module*> read(std::span<const std::byte> bytes) {
  // The least buffer that can hold a root offset and an identifier.
  constexpr size_t kLeastBytes = 8;
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  if (bytes.size() < kLeastBytes || !ModuleBufferHasIdentifier(data))
    return dataLoss("not a Burin module: the identifier '" +
                    std::string(ModuleIdentifier()) + "' is missing");
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)
    return dataLoss("module of " + std::to_string(bytes.size()) +
                    " bytes; the limit is 2 GiB");
  if (reinterpret_cast<uintptr_t>(data) % 8 != 0)
    return invalidArgument("module bytes must begin on an 8-byte boundary");
  // The default depth is enough; steps alone may pass the default table count.
  constexpr uint32_t kMaxDepth = 64;
  constexpr uint32_t kMaxTables = 50'000'000;
  flatbuffers::Verifier verifier(data, bytes.size(), kMaxDepth, kMaxTables);
  if (!VerifyModuleBuffer(verifier))
    return dataLoss("module of " + std::to_string(bytes.size()) +
                    " bytes is truncated or damaged (an offset leads outside "
                    "it); compile it again");
  const Module* module = GetModule(data);
  BURIN_TRY(checkModule(*module).within("module"));
  return module;
}

Result<std::vector<std::byte>> write(const ModuleT& module) {
  constexpr uint64_t kMaxImageBytes = uint64_t{1} << 30;
  uint64_t imageBytes = 0;
  for (const auto& image : module.images)
    imageBytes += image->data.size();
  if (imageBytes > kMaxImageBytes)
    return invalidArgument("the images of a module have " +
                           std::to_string(imageBytes) +
                           " bytes; the limit is 1 GiB");
  flatbuffers::FlatBufferBuilder builder;
  FinishModuleBuffer(builder, Module::Pack(builder, &module));
  const auto* data =
      reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  std::vector<std::byte> bytes(data, data + builder.GetSize());
  auto checked = read(bytes);
  if (!checked.ok())
    return checked.status();
  return bytes;
}

Extent rowsOf(const Slice& slice) {
  const flatbuffers::Vector<int64_t>& shape = *slice.shape();
  Extent view = {1, 1, slice.pitch()};
  if (shape.size() == 0)
    return view;
  view.extent = shape.Get(shape.size() - 1);
  for (int64_t extent : shape)
    if (extent == 0)
      return {0, view.extent, view.pitch};
  for (uint32_t i = 0; i + 1 < shape.size(); ++i)
    view.rows *= shape.Get(i);
  return view;
}

const Function* findFunction(const Module& module, std::string_view name) {
  for (const Function* function : *module.functions())
    if (function->name()->string_view() == name)
      return function;
  return nullptr;
}

} // namespace burin::module
