// SPDX-License-Identifier: Apache-2.0
// Loads, binds and runs a case in device memory of its own.
#include "tests/replay/check.h"

#include "formats/file/mapped_file.h"
#include "formats/safetensors/safetensors.h"
#include "runtime/program/program.h"
#include "tests/numerics/compare.h"
#include "tests/numerics/operands.h"

#include <algorithm>
#include <cstring>

namespace burin::replay {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::byte kPoison{0xff};
constexpr size_t kGuard = 4096; // bytes behind each output

// Tensors that lie in device memory one by one.
struct Buffers {
  std::vector<Memory> memory;
  std::vector<std::byte*> addresses;

  Status add(Device& device, size_t bytes) {
    BURIN_ASSIGN(Memory made, device.allocate(std::max<size_t>(bytes, 1)));
    addresses.push_back(made.data());
    memory.push_back(std::move(made));
    return okStatus();
  }
};

size_t bytesOf(const TensorSpec& spec) {
  return *byteCount(spec.dtype, spec.shape);
}

Status uploadInputs(const FunctionInfo& function, const SafetensorsFile& file,
                    Device& device, Buffers& inputs) {
  for (const TensorSpec& spec : function.inputs) {
    const TensorView* tensor = file.find("input." + spec.name);
    if (!tensor || tensor->dtype != spec.dtype ||
        !std::ranges::equal(tensor->shape, spec.shape))
      return notFound("'" + file.file().path() + "' has no input '" +
                      spec.name + "' " + std::string(name(spec.dtype)) +
                      toString(spec.shape));
    BURIN_TRY(inputs.add(device, tensor->data.size()));
    if (!tensor->data.empty())
      BURIN_TRY(device.upload(inputs.addresses.back(), tensor->data));
  }
  return okStatus();
}

// One run; each output comes back with its guard.
Result<std::vector<Bytes>> runOnce(Program& program,
                                   const FunctionInfo& function, Device& device,
                                   const Buffers& inputs,
                                   const Buffers& outputs) {
  std::vector<Bytes> results;
  for (size_t i = 0; i < function.outputs.size(); ++i) {
    results.emplace_back(bytesOf(function.outputs[i]) + kGuard, kPoison);
    BURIN_TRY(device.upload(outputs.addresses[i], results[i]));
  }
  BURIN_TRY(program.enqueue(function, inputs.addresses, outputs.addresses));
  BURIN_TRY(device.synchronize());
  for (size_t i = 0; i < results.size(); ++i)
    BURIN_TRY(device.download(results[i], outputs.addresses[i]));
  return results;
}

// Drops the guard of `bytes`; false when something wrote into it.
bool dropGuard(Bytes& bytes) {
  bool whole = std::all_of(bytes.end() - kGuard, bytes.end(),
                           [](std::byte b) { return b == kPoison; });
  bytes.resize(bytes.size() - kGuard);
  return whole;
}

Result<Outcome> compareOutput(const TensorSpec& spec, const Bytes& bytes,
                              const SafetensorsFile& file) {
  const TensorView* expected = file.find("expected." + spec.name);
  auto tolerance = file.metadata().find("tolerance." + spec.name);
  if (!expected || expected->dtype != DType::kF64 ||
      tolerance == file.metadata().end())
    return notFound("'" + file.file().path() + "' expects nothing of '" +
                    spec.name + "'");
  ReferenceTensor reference(
      Shape(expected->shape.begin(), expected->shape.end()));
  if (!expected->data.empty())
    std::memcpy(reference.values.data(), expected->data.data(),
                expected->data.size());
  auto result = numerics::decode(bytes, spec.shape, spec.dtype);
  BURIN_ASSIGN(auto compared, numerics::compare(tolerance->second, spec.dtype,
                                                result, reference));
  Outcome outcome{compared.share, {}};
  if (!(compared.share <= 1))
    outcome.fault = spec.name + ": " + compared.worst;
  return outcome;
}

Result<Outcome> judge(const FunctionInfo& function, std::vector<Bytes> first,
                      std::vector<Bytes> second, const SafetensorsFile& file) {
  Outcome all;
  for (size_t i = 0; i < first.size(); ++i) {
    const TensorSpec& spec = function.outputs[i];
    bool whole = dropGuard(first[i]);
    whole &= dropGuard(second[i]);
    BURIN_ASSIGN(Outcome one, compareOutput(spec, first[i], file));
    if (one.fault.empty() && !whole)
      one.fault = spec.name + ": bytes behind it were written";
    if (one.fault.empty() && first[i] != second[i])
      one.fault = spec.name + ": two runs differ";
    all.share = std::max(all.share, one.share);
    if (all.fault.empty())
      all.fault = one.fault;
  }
  return all;
}

// Constants, at the alignment that programs ask for.
struct Constants {
  explicit Constants(const SafetensorsFile& file) : file(file) {}

  Result<TensorView> find(std::string_view name) {
    const TensorView* tensor = file.find("constant." + std::string(name));
    if (!tensor)
      return notFound("constant '" + std::string(name) + "'");
    copies.emplace_back(tensor->data.begin(), tensor->data.end());
    return TensorView{name, tensor->dtype, tensor->shape, copies.back()};
  }

  const SafetensorsFile& file;
  std::vector<Bytes> copies; // moving the outer vector moves no bytes
};

} // namespace

Result<Outcome> checkCase(const std::string& path, Device& device) {
  BURIN_ASSIGN(MappedFile code, MappedFile::open(path + ".burinm"));
  BURIN_ASSIGN(SafetensorsFile file,
               SafetensorsFile::open(path + ".safetensors"));
  auto function = file.metadata().find("function");
  if (function == file.metadata().end())
    return dataLoss("'" + path + ".safetensors' names no function");
  Constants constants(file);
  BURIN_ASSIGN(auto program, Program::load(code.bytes(), device));
  BURIN_TRY(program->bind(
      [&](std::string_view name) { return constants.find(name); }));
  BURIN_TRY(program->prepare({}));
  BURIN_ASSIGN(const FunctionInfo* info, program->find(function->second));
  Buffers inputs, outputs;
  BURIN_TRY(uploadInputs(*info, file, device, inputs));
  for (const TensorSpec& spec : info->outputs)
    BURIN_TRY(outputs.add(device, bytesOf(spec) + kGuard));
  BURIN_ASSIGN(auto first, runOnce(*program, *info, device, inputs, outputs));
  BURIN_ASSIGN(auto second, runOnce(*program, *info, device, inputs, outputs));
  return judge(*info, std::move(first), std::move(second), file);
}

} // namespace burin::replay
