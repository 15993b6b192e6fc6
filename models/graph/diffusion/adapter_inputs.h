// SPDX-License-Identifier: Apache-2.0
// Adapters as inputs of a function that runs a UNet: they change without a
// new module, and each sample of a batch may have its own.
#pragma once

#include "models/graph/diffusion/unet_config.h"
#include "models/graph/request.h"
#include "models/graph/train/layout.h"

namespace burin::models {

// adapters       [size] of activations: the factors of all layers, flat
// adapter_gate   [edits, rank] float32: how strongly each sample takes each row
//
// Absent, with every member doing nothing, where the request has no adapter.
class AdapterInputs {
public:
  // Of a network under the builder's scope; the two go behind `inputs`.
  static Result<AdapterInputs> append(GraphBuilder& b,
                                      const FunctionRequest& request,
                                      const UNetConfig& config,
                                      std::vector<NamedType>& inputs);

  // Before the network, which sees sample i of `copies` times the edits with
  // row i modulo edits of the gate. `in` are the function's arguments.
  void begin(GraphBuilder& b, std::span<const Value> in, int64_t copies);
  // After it.
  Status attach(GraphBuilder& b);

private:
  const AdapterRequest* adapter_ = nullptr;
  ParameterLayout layout_;
  Value flat_, gate_;
};

} // namespace burin::models
