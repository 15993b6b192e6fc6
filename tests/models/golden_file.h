// SPDX-License-Identifier: Apache-2.0
// Reads the expected values that the scripts in golden/ wrote.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "formats/safetensors/safetensors.h"

namespace burin {

// Tests run in the root of the source tree.
inline constexpr const char* kGoldenFolder = "tests/models/golden/";

class GoldenFile {
public:
  explicit GoldenFile(const std::string& name) {
    Result<SafetensorsFile> file = SafetensorsFile::open(kGoldenFolder + name);
    if (file.ok())
      file_ = *std::move(file);
    else
      ADD_FAILURE() << file.status().message();
  }

  bool ok() const { return file_.has_value(); }
  const std::string& metadata(const std::string& key) const {
    return file_->metadata().at(key);
  }
  bool has(const std::string& name) const {
    return file_ && file_->find(name) != nullptr;
  }
  // Empty, with a failure, when there is no such tensor of this type.
  template <typename T>
  std::vector<T> values(const std::string& name, DType dtype) const {
    const TensorView* view = file_ ? file_->find(name) : nullptr;
    if (!view || view->dtype != dtype) {
      ADD_FAILURE() << "the golden file lacks " << name;
      return {};
    }
    std::vector<T> values(view->data.size() / sizeof(T));
    std::memcpy(values.data(), view->data.data(), view->data.size());
    return values;
  }
  std::vector<float> floats(const std::string& name) const {
    return values<float>(name, DType::kF32);
  }

private:
  std::optional<SafetensorsFile> file_;
};

} // namespace burin
