// SPDX-License-Identifier: Apache-2.0
// Parses and checks the JSON header event by event: a document tree would
// keep only the last of two equal keys, and hide a lying file.
#include "formats/safetensors/header.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

static_assert(std::endian::native == std::endian::little,
              "tensor files are little-endian and read in place");

namespace burin {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxRank = 16;

constexpr std::array<std::pair<std::string_view, DType>, kDTypeCount> kDTypes =
    {{{"BOOL", DType::kBool},
      {"U8", DType::kU8},
      {"I32", DType::kI32},
      {"I64", DType::kI64},
      {"F16", DType::kF16},
      {"BF16", DType::kBF16},
      {"F32", DType::kF32},
      {"F64", DType::kF64}}};

// Receives the parser's events. The document has four places: the root
// object, a tensor's object, one of its two arrays, and the metadata.
class HeaderReader : public nlohmann::json_sax<Json> {
public:
  explicit HeaderReader(SafetensorsHeader& header) : header_(header) {}
  const Status& status() const { return status_; }

  bool key(string_t& key) override {
    switch (place_) {
    case Place::kRoot:
      if (!names_.insert(key).second)
        return fail("tensor '" + key + "' appears twice");
      name_ = key;
      return true;
    case Place::kMetadata:
      if (header_.metadata.count(key))
        return fail("metadata key '" + key + "' appears twice");
      name_ = key;
      return true;
    case Place::kTensor:
      for (size_t i = 0; i < kFields.size(); ++i)
        if (key == kFields[i]) {
          if (seen_[i])
            return failTensor("has '" + key + "' twice");
          seen_[i] = true;
          field_ = static_cast<Field>(i);
          return true;
        }
      return failTensor("has an unknown field '" + key + "'");
    default:
      return failPlace("an object");
    }
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::kOutside) {
      place_ = Place::kRoot;
      return true;
    }
    if (place_ != Place::kRoot)
      return failPlace("an object");
    if (name_ == "__metadata__") {
      place_ = Place::kMetadata;
      return true;
    }
    place_ = Place::kTensor;
    tensor_ = {};
    tensor_.name = name_;
    seen_ = {};
    offsets_.clear();
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kTensor && !finishTensor())
      return false;
    place_ = place_ == Place::kRoot ? Place::kOutside : Place::kRoot;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::kTensor || field_ == Field::kDType)
      return failPlace("an array");
    place_ = Place::kArray;
    return true;
  }

  bool end_array() override {
    place_ = Place::kTensor;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::kArray)
      return failPlace("a number");
    if (field_ == Field::kOffsets) {
      offsets_.push_back(value);
      return offsets_.size() <= 2 || failTensor("has more than two offsets");
    }
    if (value > static_cast<uint64_t>(INT64_MAX))
      return failTensor("has the extent " + std::to_string(value));
    tensor_.shape.push_back(static_cast<int64_t>(value));
    return tensor_.shape.size() <= kMaxRank ||
           failTensor("has more than " + std::to_string(kMaxRank) +
                      " dimensions");
  }

  bool string(string_t& value) override {
    if (place_ == Place::kMetadata) {
      header_.metadata.emplace(name_, value);
      return true;
    }
    if (place_ != Place::kTensor || field_ != Field::kDType)
      return failPlace("a string");
    for (const auto& [name, dtype] : kDTypes)
      if (value == name) {
        tensor_.dtype = dtype;
        return true;
      }
    return failTensor("has the element type '" + value +
                      "', known are BOOL, U8, I32, I64, F16, BF16, F32 and "
                      "F64; save it in one of these");
  }

  bool number_integer(number_integer_t value) override {
    return failPlace("the negative number " + std::to_string(value));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return failPlace("the number " + text);
  }
  bool null() override { return failPlace("null"); }
  bool boolean(bool) override { return failPlace("a boolean"); }
  bool binary(binary_t&) override { return failPlace("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail("not valid JSON at byte " + std::to_string(position));
  }

private:
  enum class Place { kOutside, kRoot, kTensor, kArray, kMetadata };
  enum class Field { kDType, kShape, kOffsets };
  static constexpr std::array<std::string_view, 3> kFields = {"dtype", "shape",
                                                              "data_offsets"};

  bool fail(std::string message) {
    if (status_.ok())
      status_ = dataLoss("its header is damaged: " + std::move(message));
    return false;
  }
  bool failTensor(const std::string& message) {
    return fail("tensor '" + name_ + "' " + message);
  }
  bool failPlace(const std::string& what) {
    if (place_ == Place::kOutside)
      return fail("it starts with " + what + ", not an object");
    return fail("'" + name_ + "' holds " + what + " where none belongs");
  }

  bool finishTensor() {
    for (size_t i = 0; i < kFields.size(); ++i)
      if (!seen_[i])
        return failTensor("lacks '" + std::string(kFields[i]) + "'");
    if (offsets_.size() != 2 || offsets_[0] > offsets_[1])
      return failTensor("needs two ascending data_offsets");
    tensor_.begin = offsets_[0];
    tensor_.end = offsets_[1];
    std::optional<int64_t> bytes = byteCount(tensor_.dtype, tensor_.shape);
    if (!bytes)
      return failTensor("has a shape " + toString(tensor_.shape) +
                        " of more than 2^63 bytes");
    if (static_cast<uint64_t>(*bytes) != tensor_.end - tensor_.begin)
      return failTensor("of type " + std::string(burin::name(tensor_.dtype)) +
                        " and shape " + toString(tensor_.shape) + " needs " +
                        std::to_string(*bytes) + " bytes, its data_offsets " +
                        "give it " +
                        std::to_string(tensor_.end - tensor_.begin));
    header_.tensors.push_back(std::move(tensor_));
    return true;
  }

  SafetensorsHeader& header_;
  Status status_;
  Place place_ = Place::kOutside;
  Field field_ = Field::kDType;
  std::string name_; // the latest key of the root or of the metadata
  std::set<std::string, std::less<>> names_;
  SafetensorsHeader::Tensor tensor_;
  std::array<bool, 3> seen_{};
  std::vector<uint64_t> offsets_;
};

// Sorted by begin, tensors must meet end to begin from 0 to `dataBytes`.
Status checkCoverage(std::span<const SafetensorsHeader::Tensor> tensors,
                     uint64_t dataBytes) {
  uint64_t covered = 0;
  for (const SafetensorsHeader::Tensor& tensor : tensors) {
    if (tensor.end > dataBytes)
      return dataLoss("tensor '" + tensor.name + "' ends at byte " +
                      std::to_string(tensor.end) + " of the data, the file " +
                      "holds " + std::to_string(dataBytes) +
                      "; it is truncated, fetch it again");
    if (tensor.begin != covered)
      return dataLoss("tensor '" + tensor.name + "' starts at byte " +
                      std::to_string(tensor.begin) + " of the data where " +
                      std::to_string(covered) + " is due: it " +
                      (tensor.begin < covered ? "overlaps the tensor before"
                                              : "leaves a hole") +
                      "; save the file again");
    covered = tensor.end;
  }
  if (covered != dataBytes)
    return dataLoss(std::to_string(dataBytes - covered) +
                    " bytes after the last tensor belong to none; save the "
                    "file again");
  return okStatus();
}

} // namespace

Result<SafetensorsHeader>
parseSafetensorsHeader(std::span<const std::byte> file) {
  constexpr uint64_t kPrefix = sizeof(uint64_t);
  if (file.size() < kPrefix)
    return dataLoss("it has " + std::to_string(file.size()) +
                    " bytes, a safetensors file starts with 8 bytes of header "
                    "size; it is empty, truncated or of another format");
  uint64_t size = 0;
  std::memcpy(&size, file.data(), kPrefix);
  if (size > kMaxSafetensorsHeader)
    return dataLoss("its header claims " + std::to_string(size) +
                    " bytes, at most " + std::to_string(kMaxSafetensorsHeader) +
                    " are allowed; it is not a safetensors file or damaged");
  if (size > file.size() - kPrefix)
    return dataLoss("its header claims " + std::to_string(size) +
                    " bytes, the file has " + std::to_string(file.size()) +
                    "; it is truncated, fetch it again");
  SafetensorsHeader header;
  header.dataOffset = kPrefix + size;
  HeaderReader reader(header);
  const char* text = reinterpret_cast<const char*>(file.data()) + kPrefix;
  if (!Json::sax_parse(text, text + size, &reader))
    return reader.status();
  // Empty tensors go before the one that starts where they are.
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const auto& a, const auto& b) {
              return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
            });
  BURIN_TRY(checkCoverage(header.tensors, file.size() - header.dataOffset));
  return header;
}

Result<std::string> makeSafetensorsHeader(std::span<const TensorSpec> specs,
                                          const StringMap& metadata) {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!metadata.empty())
    root["__metadata__"] = metadata;
  std::set<std::string_view> names;
  int64_t offset = 0;
  for (const TensorSpec& spec : specs) {
    if (spec.name == "__metadata__" || !names.insert(spec.name).second)
      return invalidArgument("the tensor name '" + spec.name +
                             "' is reserved or given twice; choose another");
    std::optional<int64_t> bytes = byteCount(spec.dtype, spec.shape);
    int64_t end = 0;
    if (!bytes || __builtin_add_overflow(offset, *bytes, &end))
      return invalidArgument("tensor '" + spec.name + "' has the shape " +
                             toString(spec.shape) +
                             ", which is negative or too large");
    auto dtype = std::find_if(kDTypes.begin(), kDTypes.end(),
                              [&](auto& e) { return e.second == spec.dtype; });
    root[spec.name] = {{"dtype", dtype->first},
                       {"shape", spec.shape},
                       {"data_offsets", {offset, end}}};
    offset = end;
  }
  // Replacing what is not UTF-8 keeps dump() from throwing.
  std::string text =
      root.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize(
      (sizeof(uint64_t) + text.size() + 63) / 64 * 64 - sizeof(uint64_t), ' ');
  uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

} // namespace burin
