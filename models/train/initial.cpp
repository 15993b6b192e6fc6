// SPDX-License-Identifier: Apache-2.0
// One stream of random words a tensor, by its position.
#include "models/train/initial.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "models/train/order.h"
#include "runtime/base/philox.h"

namespace burin::train {
namespace {

int64_t fanIn(const TensorView& weight) {
  int64_t product = 1;
  for (int64_t extent : weight.shape.subspan(1))
    product *= extent;
  return product;
}

// Values are in [center - spread, center + spread).
struct Range {
  double center = 0, spread = 0;
};

Range rangeOf(const Checkpoint& model, const TensorView& tensor) {
  constexpr std::string_view kBias = ".bias", kWeight = ".weight";
  std::string_view name = tensor.name;
  const TensorView* weight = &tensor;
  if (name.ends_with(kBias)) {
    name.remove_suffix(kBias.size());
    weight = model.find(std::string(name) + std::string(kWeight));
  }
  if (weight && weight->shape.size() > 1)
    return {0, 1 / std::sqrt(static_cast<double>(fanIn(*weight)))};
  return {tensor.name.ends_with(kWeight) ? 1.0 : 0.0, 0};
}

void store(DType type, float value, std::byte* place) {
  if (type == DType::kF32) {
    std::memcpy(place, &value, sizeof value);
    return;
  }
  uint16_t narrow =
      type == DType::kBF16 ? floatToBf16(value) : floatToF16(value);
  std::memcpy(place, &narrow, sizeof narrow);
}

void fill(const TensorView& tensor, Range range, uint64_t stream, uint64_t seed,
          std::byte* place) {
  size_t width = tensor.dtype == DType::kF32 ? 4 : 2;
  size_t count = tensor.data.size() / width;
  for (size_t i = 0; i < count; i += 4) {
    auto words = philoxWords(seed, i / 4, stream);
    for (size_t j = 0; j < std::min<size_t>(4, count - i); ++j) {
      double unit = std::ldexp(static_cast<double>(words[j]), -31) - 1;
      store(tensor.dtype,
            static_cast<float>(range.center + range.spread * unit),
            place + (i + j) * width);
    }
  }
}

} // namespace

Result<pipeline::TrainedTensors>
randomTensors(const Checkpoint& model, std::string_view prefix, uint64_t seed) {
  pipeline::TrainedTensors out;
  size_t bytes = 0;
  for (const TensorView& tensor : model.tensors()) {
    if (!tensor.name.starts_with(prefix))
      continue;
    if (tensor.dtype != DType::kF32 && tensor.dtype != DType::kBF16 &&
        tensor.dtype != DType::kF16)
      return invalidArgument(
          "'" + model.path() + "': the tensor '" + std::string(tensor.name) +
          "' is of type " + std::string(name(tensor.dtype)) +
          "; random weights are for models of float32, bfloat16 or float16");
    out.tensors.push_back(tensor);
    bytes += tensor.data.size();
  }
  out.storage.resize(bytes);
  std::byte* place = out.storage.data();
  for (size_t i = 0; i < out.tensors.size(); ++i) {
    TensorView& tensor = out.tensors[i];
    fill(tensor, rangeOf(model, tensor), streamOf(RandomStream::kInitial, i),
         seed, place);
    tensor.data = {place, tensor.data.size()};
    place += tensor.data.size();
  }
  return out;
}

} // namespace burin::train
