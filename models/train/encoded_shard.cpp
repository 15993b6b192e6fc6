// SPDX-License-Identifier: Apache-2.0
// Every index is checked when the file is opened, so that reads need not.
#include "models/train/encoded_shard.h"

#include <cstring>
#include <limits>

namespace burin::train {
namespace {

std::span<const uint16_t> row16(const TensorView& tensor, int64_t row,
                                size_t size) {
  auto bytes =
      tensor.data.subspan(static_cast<size_t>(row) * size * 2, 2 * size);
  return {reinterpret_cast<const uint16_t*>(bytes.data()), size};
}

} // namespace

std::string_view describe(Fault fault) {
  switch (fault) {
  case Fault::kNone:
    return "has no fault";
  case Fault::kNoInstruction:
    return "has no instruction";
  case Fault::kNotFinite:
    return "has latents that are not finite";
  }
  return "has an unknown fault";
}

Result<EncodedShard> EncodedShard::open(const std::string& path,
                                        const EncodedShape& shape) {
  BURIN_ASSIGN(SafetensorsFile file, SafetensorsFile::open(path));
  EncodedShard shard(std::move(file), shape);
  if (Status status = shard.check(); !status.ok())
    return status.within("'" + path + "' holds no encoded examples");
  return shard;
}

Status EncodedShard::check() {
  text_ = file_.find("text");
  states_ = file_.find("states");
  if (!text_ || !states_ || text_->shape.size() != 1 || states_->shape.empty())
    return dataLoss("it has no tensors 'text' and 'states'");
  int64_t n = text_->shape[0], texts = states_->shape[0];
  const Shape pictures = {n, shape_.height, shape_.width, shape_.channels};
  struct Expected {
    const char* name;
    const TensorView** place;
    DType dtype;
    Shape shape;
  };
  for (const auto& [tensorName, place, dtype, shape] :
       {Expected{"text", &text_, DType::kI32, {n}},
        Expected{"source", &source_, DType::kF16, pictures},
        Expected{"target", &target_, DType::kF16, pictures},
        Expected{"states",
                 &states_,
                 DType::kBF16,
                 {texts, shape_.tokens, shape_.textWidth}},
        Expected{"fault", &fault_, DType::kU8, {n}}}) {
    *place = file_.find(tensorName);
    if (!*place)
      return dataLoss("it has no tensor '" + std::string(tensorName) + "'");
    if ((*place)->dtype != dtype ||
        toString((*place)->shape) != toString(shape))
      return dataLoss("tensor '" + std::string(tensorName) + "' is " +
                      std::string(name((*place)->dtype)) +
                      toString((*place)->shape) + ", expected " +
                      std::string(name(dtype)) + toString(shape));
  }
  if (n > std::numeric_limits<int>::max() || texts < 1)
    return dataLoss("it counts " + std::to_string(n) + " examples and " +
                    std::to_string(texts) + " texts");
  count_ = static_cast<int>(n);
  for (int i = 0; i < count_; ++i)
    if (row(i) < 0 || row(i) >= texts ||
        std::to_integer<uint8_t>(fault_->data[i]) >= kFaults)
      return dataLoss("example " + std::to_string(i) + " has text " +
                      std::to_string(row(i)) + " of " + std::to_string(texts) +
                      ", or an unknown fault");
  if (auto found = file_.metadata().find("fingerprint");
      found != file_.metadata().end())
    fingerprint_ = found->second;
  return okStatus();
}

int32_t EncodedShard::row(int i) const {
  int32_t row;
  std::memcpy(&row, text_->data.data() + i * sizeof row, sizeof row);
  return row;
}

std::span<const uint16_t> EncodedShard::source(int i) const {
  return row16(*source_, i, shape_.latents());
}

std::span<const uint16_t> EncodedShard::target(int i) const {
  return row16(*target_, i, shape_.latents());
}

std::span<const uint16_t> EncodedShard::states(int i) const {
  return row16(*states_, row(i), shape_.states());
}

std::span<const uint16_t> EncodedShard::emptyText() const {
  return row16(*states_, 0, shape_.states());
}

Fault EncodedShard::fault(int i) const {
  return static_cast<Fault>(fault_->data[static_cast<size_t>(i)]);
}

} // namespace burin::train
