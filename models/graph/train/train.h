// SPDX-License-Identifier: Apache-2.0
// The functions of a module that trains a UNet: beginning, step, end.
#pragma once

#include "models/graph/diffusion/unet_config.h"
#include "models/graph/request.h"
#include "models/graph/train/layout.h"

namespace burin::models {

// The network's parameters under the builder's scope.
ParameterLayout unetLayout(GraphBuilder& b, const UNetConfig& config);

// () -> parameters: the checkpoint's tensors as float32.
void trainInitialize(GraphBuilder& b, const std::string& name,
                     const ParameterLayout& layout);

// parameters -> a tensor for each of the checkpoint's, of its type.
void trainExport(GraphBuilder& b, const std::string& name,
                 const ParameterLayout& layout, mlir::Type tensorType);

// parameters, first_moment, second_moment, average, target, source,
// encoder_hidden_states, noise, timestep, signal, noise_level, hyper
//   -> parameters, first_moment, second_moment, average, report
//
// One evaluation of the network on
//   signal target + noise_level noise  beside  source,
// the gradient of the mean squared error against what it should have
// predicted, and an optimizer's step (models/schedule/optimizer.h). The first
// four outputs may lie where the inputs of their names do (optimizer.h here).
void trainStep(GraphBuilder& b, const FunctionRequest& request,
               const UNetConfig& config);

} // namespace burin::models
