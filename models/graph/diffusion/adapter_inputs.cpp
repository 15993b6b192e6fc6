// SPDX-License-Identifier: Apache-2.0
// A flat input of factors and a gate around a network.
#include "models/graph/diffusion/adapter_inputs.h"

#include "models/graph/common/low_rank.h"
#include "models/graph/train/train.h"

namespace burin::models {

Result<AdapterInputs> AdapterInputs::append(GraphBuilder& b,
                                            const FunctionRequest& request,
                                            const UNetConfig& config,
                                            std::vector<NamedType>& inputs) {
  AdapterInputs result;
  if (!request.adapter)
    return result;
  result.adapter_ = &*request.adapter;
  BURIN_ASSIGN(result.layout_, trainedLayout(b, config, request.adapter));
  auto type = [](std::initializer_list<int64_t> shape, mlir::Type element) {
    return mlir::RankedTensorType::get(shape, element);
  };
  inputs.push_back({"adapters", type({result.layout_.size}, b.activation())});
  inputs.push_back(
      {"adapter_gate", type({request.batch, request.adapter->rank}, b.f32())});
  return result;
}

void AdapterInputs::begin(GraphBuilder& b, std::span<const Value> in,
                          int64_t copies) {
  if (!adapter_)
    return;
  flat_ = in[in.size() - 2];
  std::vector<Value> gates(static_cast<size_t>(copies), in.back());
  gate_ = copies == 1 ? in.back() : b.concat(gates, 0);
}

Status AdapterInputs::attach(GraphBuilder& b) {
  if (!adapter_)
    return okStatus();
  BURIN_TRY(addLowRankTerms(b, *flat_.getParentBlock(), *adapter_, gate_));
  readFromFlat(flat_, layout_, b.activation());
  return okStatus();
}

} // namespace burin::models
