// SPDX-License-Identifier: Apache-2.0
// Writes cases for machines that cannot compile.
#include "tests/replay/replay_case.h"

#include "formats/file/atomic_file.h"

#include <filesystem>

namespace burin::replay {

void CaseWriter::add(std::string name, DType dtype, const Shape& shape,
                     std::span<const std::byte> data) {
  entries_.push_back({std::move(name), dtype, shape, data});
}

void CaseWriter::addInput(const std::string& name, DType dtype,
                          const Shape& shape, std::span<const std::byte> data) {
  add("input." + name, dtype, shape, data);
}

void CaseWriter::addConstant(const std::string& name, DType dtype,
                             const Shape& shape,
                             std::span<const std::byte> data) {
  add("constant." + name, dtype, shape, data);
}

void CaseWriter::expect(const std::string& name, const ReferenceTensor& values,
                        const std::string& tolerance) {
  add("expected." + name, DType::kF64, values.shape,
      std::as_bytes(std::span(values.values)));
  metadata_["tolerance." + name] = tolerance;
}

Status CaseWriter::write(const std::string& folder, const std::string& name,
                         const std::string& function) const {
  std::string path = folder + "/" + name;
  BURIN_ASSIGN(AtomicFile file, AtomicFile::create(path + ".burinm"));
  BURIN_TRY(file.write(module));
  BURIN_TRY(file.commit());
  std::vector<TensorView> tensors;
  for (const Entry& entry : entries_)
    tensors.push_back({entry.name, entry.dtype, entry.shape, entry.data});
  StringMap metadata = metadata_;
  metadata["function"] = function;
  return writeSafetensors(path + ".safetensors", tensors, metadata);
}

Result<EmitOptions> EmitOptions::parse(int argc, char** argv) {
  EmitOptions options;
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    if (flag != "--emit" && flag != "--target")
      return invalidArgument("unknown argument '" + flag +
                             "'; there are --emit FOLDER and --target TARGET");
    if (i + 1 == argc)
      return invalidArgument(flag + " needs a value");
    (flag == "--emit" ? options.folder : options.target) = argv[++i];
  }
  if (options.folder.empty() != options.target.empty())
    return invalidArgument("--emit FOLDER and --target TARGET go together");
  std::error_code error;
  if (!options.folder.empty())
    std::filesystem::create_directories(options.folder, error);
  if (error)
    return unavailable("cannot make '" + options.folder +
                       "': " + error.message());
  return options;
}

} // namespace burin::replay
