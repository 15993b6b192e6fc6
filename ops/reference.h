// SPDX-License-Identifier: Apache-2.0
// What each op computes, as plain loops in double: the oracle that compiled
// code is held against, and the shortest description of an op for a reader.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/base/dtype.h"

namespace burin {

// Row-major. Integers are exact up to 2^53.
struct ReferenceTensor {
  explicit ReferenceTensor(Shape shape, double fill = 0);
  ReferenceTensor(Shape shape, std::vector<double> values)
      : shape(std::move(shape)), values(std::move(values)) {}

  Shape shape;
  std::vector<double> values;

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t count() const { return static_cast<int64_t>(values.size()); }
  // The product of the extents [first, last).
  int64_t extent(int64_t first, int64_t last) const;
};

// An op's properties by name: numbers, lists, names of kinds and of dtypes.
// Precondition of each accessor: the property exists and is of that type.
class ReferenceProperties {
public:
  using Value = std::variant<int64_t, double, std::string, Shape>;

  void set(std::string name, Value value) {
    values_.insert_or_assign(std::move(name), std::move(value));
  }
  int64_t integer(std::string_view name) const { return get<int64_t>(name); }
  double number(std::string_view name) const { return get<double>(name); }
  const Shape& list(std::string_view name) const { return get<Shape>(name); }
  std::string_view text(std::string_view name) const {
    return get<std::string>(name);
  }
  // A flag that is absent is not set.
  bool flag(std::string_view name) const {
    return values_.contains(name) && integer(name) != 0;
  }

private:
  template <typename T>
  const T& get(std::string_view name) const {
    return *std::get_if<T>(&values_.find(name)->second);
  }

  std::map<std::string, Value, std::less<>> values_;
};

// Operands to results. Precondition: what the op's verifier checks. An op
// without operands finds its result's extents in property `shape`, and a
// parameter the checkpoint's tensor in place of an operand.
using ReferenceFunction =
    std::vector<ReferenceTensor> (*)(const ReferenceProperties& properties,
                                     std::span<const ReferenceTensor> operands);

// Mean and biased variance of group `g` of image `n` of x [batch, ...,
// channels], whose channels form `groups` equal groups.
std::pair<double, double> groupMoments(const ReferenceTensor& x, int64_t groups,
                                       int64_t n, int64_t g);

struct Reference {
  std::string_view op; // the mnemonic
  ReferenceFunction function;
};

// One row an op of ops/CMakeLists.txt; the function is reference::<op>::compute
// in the op's folder.
std::span<const Reference> references();

} // namespace burin
