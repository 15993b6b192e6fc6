// SPDX-License-Identifier: Apache-2.0
// Stacks the factors of adapters along the rank.
#include "models/pipeline/adapter_bank.h"

#include <algorithm>
#include <set>

#include "models/adapters/initialize.h"
#include "models/names/cast.h"

namespace burin::pipeline {
namespace {

constexpr std::string_view kComponent = "unet.", kWeight = ".weight";

std::vector<float> toFloats(const TensorView& tensor) {
  std::vector<float> values(static_cast<size_t>(*elementCount(tensor.shape)));
  names::castFloats(tensor.dtype, tensor.data, DType::kF32,
                    std::as_writable_bytes(std::span(values)));
  return values;
}

} // namespace

Status AdapterBank::add(const Checkpoint& model, const std::string& path) {
  if (entries_.contains(path))
    return okStatus();
  BURIN_ASSIGN(adapters::Adapter opened,
               adapters::Adapter::open(path, model.tensors()));
  Entry entry;
  for (const adapters::LowRank& term : opened.terms()) {
    if (!term.target.starts_with(kComponent))
      return unimplemented("the adapter '" + path + "' changes '" +
                           term.target +
                           "', and edits that run together share all but the "
                           "UNet; merge it (burin convert --lora)");
    entry.rank = std::max(entry.rank, term.rank);
  }
  entry.start = rank_;
  rank_ += entry.rank;
  entry.adapter = std::make_unique<adapters::Adapter>(std::move(opened));
  entries_.emplace(path, std::move(entry));
  return okStatus();
}

Result<AdapterBank>
AdapterBank::open(const Checkpoint& model,
                  std::span<const std::span<const adapters::AdapterUse>> uses) {
  AdapterBank bank;
  for (std::span<const adapters::AdapterUse> edit : uses)
    for (const adapters::AdapterUse& use : edit)
      BURIN_TRY(bank.add(model, use.path));
  bank.rank_ = (bank.rank_ + kRankMultiple - 1) / kRankMultiple * kRankMultiple;
  std::set<std::string> layers;
  for (const auto& [path, entry] : bank.entries_)
    for (const adapters::LowRank& term : entry.adapter->terms())
      layers.insert(term.target.substr(kComponent.size(),
                                       term.target.size() - kComponent.size() -
                                           kWeight.size()));
  bank.layers_.assign(layers.begin(), layers.end());
  bank.gate_.resize(uses.size() * static_cast<size_t>(bank.rank_));
  for (size_t e = 0; e < uses.size(); ++e)
    for (const adapters::AdapterUse& use : uses[e]) {
      const Entry& entry = bank.entries_.find(use.path)->second;
      const size_t row = e * static_cast<size_t>(bank.rank_);
      for (int64_t r = entry.start; r < entry.start + entry.rank; ++r)
        bank.gate_[row + static_cast<size_t>(r)] +=
            static_cast<float>(use.weight);
    }
  return bank;
}

std::optional<AdapterShape> AdapterBank::shape() const {
  if (entries_.empty())
    return std::nullopt;
  return AdapterShape{rank_, 1, layers_};
}

std::vector<float> AdapterBank::factor(const TensorSpec& spec) const {
  std::vector<float> stacked(static_cast<size_t>(*elementCount(spec.shape)));
  const bool down = spec.name.ends_with(adapters::kDownFactor);
  std::string target = spec.name;
  target.resize(target.size() - (down ? adapters::kDownFactor.size()
                                      : adapters::kUpFactor.size()));
  target += kWeight;
  for (const auto& [path, entry] : entries_) {
    auto terms = entry.adapter->terms();
    auto term = std::ranges::find(terms, target, &adapters::LowRank::target);
    if (term == terms.end())
      continue;
    std::vector<float> values = toFloats(down ? term->down : term->up);
    const auto rank = static_cast<size_t>(term->rank),
               start = static_cast<size_t>(entry.start),
               all = static_cast<size_t>(rank_);
    if (down) { // rows one after another
      std::ranges::copy(
          values, stacked.begin() +
                      static_cast<ptrdiff_t>(start * (values.size() / rank)));
      continue;
    }
    for (size_t i = 0; i < values.size(); ++i) // columns
      stacked[i / rank * all + start + i % rank] =
          static_cast<float>(term->scale * values[i]);
  }
  return stacked;
}

} // namespace burin::pipeline
