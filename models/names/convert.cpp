// SPDX-License-Identifier: Apache-2.0
// Streams tensors from source to checkpoint while the source is hashed.
#include "models/names/convert.h"

#include "formats/checkpoint/writer.h"
#include "formats/file/sha256.h"
#include "models/names/cast.h"
#include "models/names/match.h"

#include <algorithm>
#include <thread>

namespace burin::names {
namespace {

constexpr size_t kPiece = 4u << 20; // bytes hashed or cast at a time

std::string hashKey(const std::string& file) {
  return "source." + file + ".sha256";
}

// Hashes the source's files beside the conversion, which is bound by the disk.
class Hashing {
public:
  explicit Hashing(const Source& source)
      : thread_([this, &source](std::stop_token stop) {
          for (const auto& [name, file] : source.files) {
            Sha256 hash;
            std::span<const std::byte> rest = file.file().bytes();
            while (!rest.empty() && !stop.stop_requested()) {
              auto piece = rest.first(std::min(rest.size(), kPiece));
              hash.update(piece);
              file.file().release(piece);
              rest = rest.subspan(piece.size());
            }
            hashes_.emplace(hashKey(name), hash.hex());
          }
        }) {}

  // Waits for the end.
  const std::map<std::string, std::string>& hashes() {
    if (thread_.joinable())
      thread_.join();
    return hashes_;
  }

private:
  std::map<std::string, std::string> hashes_;
  std::jthread thread_; // last: its end must precede that of what it fills
};

Status writeTensor(const MatchedTensor& tensor, std::vector<std::byte>& buffer,
                   CheckpointWriter& writer) {
  const DType from = tensor.source->view->dtype, to = tensor.spec.dtype;
  std::span<const std::byte> rest = tensor.source->view->data;
  if (from == to)
    return writer.write(rest);
  while (!rest.empty()) {
    auto piece = rest.first(std::min(rest.size(), kPiece));
    buffer.resize(piece.size() / byteSize(from) * byteSize(to));
    if (size_t count = castFloats(from, piece, to, buffer))
      return invalidArgument(std::to_string(count) + " values of tensor '" +
                             tensor.source->origin + "' do not fit in " +
                             std::string(name(to)) +
                             "; choose --dtype bf16, f32 or keep");
    BURIN_TRY(writer.write(buffer));
    rest = rest.subspan(piece.size());
  }
  return okStatus();
}

void countTensor(const TensorSpec& spec, ConvertReport& report) {
  std::string component = spec.name.substr(0, spec.name.find('.'));
  if (report.components.empty() || report.components.back().name != component)
    report.components.push_back({component});
  ConvertReport::Component& entry = report.components.back();
  entry.tensors += 1;
  entry.parameters += static_cast<uint64_t>(*elementCount(spec.shape));
  entry.bytes += static_cast<uint64_t>(*byteCount(spec.dtype, spec.shape));
}

} // namespace

Result<ConvertReport> convertModel(const ConvertOptions& options) {
  BURIN_ASSIGN(Source source, openSource(options.source));
  BURIN_ASSIGN(std::vector<MatchedTensor> tensors, matchTensors(source));

  ConvertReport report;
  std::vector<TensorSpec> specs;
  for (MatchedTensor& tensor : tensors) {
    tensor.spec.dtype = options.dtype.value_or(tensor.spec.dtype);
    specs.push_back(tensor.spec);
    countTensor(tensor.spec, report);
  }
  CheckpointWriter::Metadata metadata = source.metadata;
  metadata["architecture"] = source.architecture;
  if (!options.licence.empty())
    metadata["licence"] = options.licence;
  for (const auto& [name, file] : source.files)
    metadata[hashKey(name)] = std::string(64, '0'); // until it is known

  BURIN_ASSIGN(auto writer,
               CheckpointWriter::create(options.output, std::move(specs),
                                        std::move(metadata),
                                        {.shardBytes = options.shardBytes}));
  Hashing hashing(source);
  std::vector<std::byte> buffer;
  uint64_t total = 0, done = 0;
  for (const ConvertReport::Component& component : report.components)
    total += component.bytes;
  for (const MatchedTensor& tensor : tensors) {
    BURIN_TRY(writeTensor(tensor, buffer, writer));
    tensor.source->file->release(tensor.source->view->data);
    done +=
        static_cast<uint64_t>(*byteCount(tensor.spec.dtype, tensor.spec.shape));
    if (options.progress)
      options.progress(done, total);
  }
  for (const auto& [key, hash] : hashing.hashes())
    BURIN_TRY(writer.setMetadata(key, hash));
  BURIN_TRY(writer.commit());

  report.architecture = source.architecture;
  report.bytes = writer.totalBytes();
  report.ignored = std::move(source.ignored);
  report.notes = std::move(source.notes);
  return report;
}

} // namespace burin::names
