// SPDX-License-Identifier: Apache-2.0
// A checkpoint's tensors with adapters applied: W + sum of w_k s_k B_k A_k,
// summed in float32 in the order given, rounded once to W's type. The
// checkpoint is never changed, so leaving an adapter out, or giving it the
// strength 0, gives the model's own bits.
#pragma once

#include "formats/checkpoint/checkpoint.h"
#include "models/adapters/lora.h"

#include <memory>

namespace burin::adapters {

// An adapter as a user asks for it.
struct AdapterUse {
  std::string path;
  double weight = 1; // w
};

// "file" or "file:weight"; the weight is finite and may be negative, which
// asks for the opposite of what was learnt.
Result<AdapterUse> parseAdapterUse(std::string_view text);

// Used by one thread at a time.
class AdaptedWeights {
public:
  // Opens and matches every adapter. `base` must outlive the result.
  static Result<AdaptedWeights> open(const Checkpoint& base,
                                     std::span<const AdapterUse> uses);

  // The tensor of that name; an adapted one is computed when first asked for
  // and kept until it is released.
  Result<TensorView> tensor(std::string_view name);
  // Nobody reads it any more.
  void release(const TensorView& tensor);

private:
  struct Term {
    const LowRank* factors;
    double scale; // w s
  };

  explicit AdaptedWeights(const Checkpoint& base) : base_(&base) {}
  std::vector<std::byte> compute(const TensorView& weight,
                                 std::span<const Term> terms) const;

  const Checkpoint* base_;
  std::vector<std::unique_ptr<Adapter>> adapters_;
  std::map<std::string, std::vector<Term>, std::less<>> terms_; // by target
  std::map<std::string, std::vector<std::byte>, std::less<>> computed_;
};

} // namespace burin::adapters
