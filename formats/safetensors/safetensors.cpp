// SPDX-License-Identifier: Apache-2.0
// Binds checked headers to mapped bytes, and streams new files.
#include "formats/safetensors/safetensors.h"

#include <algorithm>
#include <numeric>

namespace burin {

Result<SafetensorsFile> SafetensorsFile::open(const std::string& path) {
  SafetensorsFile result;
  BURIN_ASSIGN(result.file_, MappedFile::open(path));
  std::span<const std::byte> bytes = result.file_.bytes();
  Result<SafetensorsHeader> header = parseSafetensorsHeader(bytes);
  if (!header.ok())
    return header.status().within("'" + path + "'");
  result.header_ = *std::move(header);

  std::span<const std::byte> data = bytes.subspan(result.header_.dataOffset);
  for (const SafetensorsHeader::Tensor& tensor : result.header_.tensors)
    result.tensors_.push_back(
        {tensor.name, tensor.dtype, tensor.shape,
         data.subspan(tensor.begin, tensor.end - tensor.begin)});
  result.byName_.resize(result.tensors_.size());
  std::iota(result.byName_.begin(), result.byName_.end(), 0u);
  std::sort(result.byName_.begin(), result.byName_.end(),
            [&](uint32_t a, uint32_t b) {
              return result.tensors_[a].name < result.tensors_[b].name;
            });
  return result;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  auto at = std::lower_bound(byName_.begin(), byName_.end(), name,
                             [&](uint32_t index, std::string_view wanted) {
                               return tensors_[index].name < wanted;
                             });
  bool found = at != byName_.end() && tensors_[*at].name == name;
  return found ? &tensors_[*at] : nullptr;
}

Result<SafetensorsWriter>
SafetensorsWriter::create(const std::string& path,
                          std::span<const TensorSpec> specs,
                          const StringMap& metadata) {
  BURIN_ASSIGN(std::string header, makeSafetensorsHeader(specs, metadata));
  BURIN_ASSIGN(AtomicFile file, AtomicFile::create(path));
  SafetensorsWriter writer(std::move(file));
  writer.end_ = header.size();
  for (const TensorSpec& spec : specs)
    writer.end_ += static_cast<uint64_t>(*byteCount(spec.dtype, spec.shape));
  BURIN_TRY(writer.file_.reserve(writer.end_));
  BURIN_TRY(writer.file_.write(header));
  return writer;
}

Status SafetensorsWriter::write(std::span<const std::byte> bytes) {
  if (bytes.size() > end_ - file_.position())
    return internalError("more tensor data than announced for '" +
                         file_.path() + "'");
  return file_.write(bytes);
}

Status SafetensorsWriter::commit() {
  if (file_.position() != end_)
    return internalError("'" + file_.path() + "' lacks " +
                         std::to_string(end_ - file_.position()) +
                         " bytes of its tensors");
  return file_.commit();
}

Status writeSafetensors(const std::string& path,
                        std::span<const TensorView> tensors,
                        const StringMap& metadata) {
  std::vector<TensorSpec> specs;
  for (const TensorView& tensor : tensors)
    specs.push_back({std::string(tensor.name), tensor.dtype,
                     Shape(tensor.shape.begin(), tensor.shape.end())});
  BURIN_ASSIGN(auto writer, SafetensorsWriter::create(path, specs, metadata));
  for (const TensorView& tensor : tensors) {
    if (byteCount(tensor.dtype, tensor.shape) !=
        static_cast<int64_t>(tensor.data.size()))
      return invalidArgument("tensor '" + std::string(tensor.name) + "' has " +
                             std::to_string(tensor.data.size()) +
                             " bytes, its type and shape need others");
    BURIN_TRY(writer.write(tensor.data));
  }
  return writer.commit();
}

} // namespace burin
