// SPDX-License-Identifier: Apache-2.0
// Adds low-rank products to weights, on the host.
#include "models/adapters/adapted_weights.h"

#include <charconv>
#include <cmath>

#include "models/names/cast.h"

namespace burin::adapters {
namespace {

std::vector<float> toFloats(const TensorView& tensor) {
  std::vector<float> values(*elementCount(tensor.shape));
  names::castFloats(tensor.dtype, tensor.data, DType::kF32,
                    std::as_writable_bytes(std::span(values)));
  return values;
}

// sum [outputs, inputs] += scale * up [outputs, rank] * down [rank, inputs]
void addProduct(std::span<float> sum, std::span<const float> up,
                std::span<const float> down, int64_t rank, double scale) {
  const size_t inputs = down.size() / rank, outputs = sum.size() / inputs;
  for (size_t o = 0; o < outputs; ++o) {
    float* const row = sum.data() + o * inputs;
    for (int64_t r = 0; r < rank; ++r) {
      const auto factor = static_cast<float>(scale * up[o * rank + r]);
      const float* const from = down.data() + r * inputs;
      for (size_t i = 0; i < inputs; ++i)
        row[i] += factor * from[i];
    }
  }
}

} // namespace

Result<AdapterUse> parseAdapterUse(std::string_view text) {
  AdapterUse use;
  const size_t colon = text.rfind(':');
  use.path = std::string(text.substr(0, colon));
  if (use.path.empty())
    return invalidArgument("'" + std::string(text) +
                           "' names no adapter; write file or file:weight");
  if (colon == text.npos)
    return use;
  const std::string_view number = text.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), use.weight);
  if (error != std::errc() || end != number.data() + number.size() ||
      !std::isfinite(use.weight))
    return invalidArgument("the weight '" + std::string(number) +
                           "' of the adapter '" + use.path +
                           "' is not a number; write file:0.8");
  return use;
}

Result<AdaptedWeights> AdaptedWeights::open(const Checkpoint& base,
                                            std::span<const AdapterUse> uses) {
  AdaptedWeights weights(base);
  for (const AdapterUse& use : uses) {
    BURIN_ASSIGN(Adapter adapter, Adapter::open(use.path, base.tensors()));
    weights.adapters_.push_back(std::make_unique<Adapter>(std::move(adapter)));
    if (use.weight == 0)
      continue;
    for (const LowRank& term : weights.adapters_.back()->terms())
      weights.terms_[term.target].push_back({&term, use.weight * term.scale});
  }
  return weights;
}

std::vector<std::byte>
AdaptedWeights::compute(const TensorView& weight,
                        std::span<const Term> terms) const {
  // The terms meet before they are added to W: those that cancel do so exactly
  // as far as they are equal, whatever W is.
  std::vector<float> sum(*elementCount(weight.shape));
  for (const Term& term : terms)
    addProduct(sum, toFloats(term.factors->up), toFloats(term.factors->down),
               term.factors->rank, term.scale);
  const std::vector<float> own = toFloats(weight);
  for (size_t i = 0; i < sum.size(); ++i)
    sum[i] += own[i];
  std::vector<std::byte> rounded(weight.data.size());
  names::castFloats(DType::kF32, std::as_bytes(std::span(sum)), weight.dtype,
                    rounded);
  return rounded;
}

Result<TensorView> AdaptedWeights::tensor(std::string_view name) {
  BURIN_ASSIGN(TensorView view, base_->tensor(name));
  auto terms = terms_.find(name);
  if (terms == terms_.end())
    return view;
  auto [at, added] = computed_.try_emplace(std::string(name));
  if (added)
    at->second = compute(view, terms->second);
  view.data = at->second;
  return view;
}

void AdaptedWeights::release(const TensorView& tensor) {
  if (auto at = computed_.find(tensor.name); at != computed_.end())
    computed_.erase(at);
  else
    base_->release(tensor);
}

} // namespace burin::adapters
