// SPDX-License-Identifier: Apache-2.0
// The functions of a module that trains a UNet: beginning, step, end; and the
// step in parts, between which gradients are summed.
#pragma once

#include "models/graph/diffusion/unet_config.h"
#include "models/graph/request.h"
#include "models/graph/train/layout.h"

namespace burin::models {

// What is trained, under the builder's scope: the network's parameters, or the
// factors of an adapter. The network is then frozen: its weights are the
// checkpoint's, packed once, and nothing is kept or computed for their
// gradients.
Result<ParameterLayout>
trainedLayout(GraphBuilder& b, const UNetConfig& config,
              const std::optional<AdapterRequest>& adapter);

// () -> parameters: the checkpoint's tensors as float32.
void trainInitialize(GraphBuilder& b, const std::string& name,
                     const ParameterLayout& layout);

// A tensor for each of the layout -> `output`: all of them, flat, as `element`.
void joinTensors(GraphBuilder& b, const std::string& name,
                 const ParameterLayout& layout, std::string output,
                 mlir::Type element);

// parameters -> a tensor for each of the layout, of type `tensorType`.
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
Status trainStep(GraphBuilder& b, const FunctionRequest& request,
                 const UNetConfig& config);

// parameters, target, source, encoder_hidden_states, noise, timestep, signal,
// noise_level
//   -> gradients
//
// The gradient as a flat buffer, followed by a row that begins with the loss
// and is zero else: one buffer to be summed.
Status trainGradient(GraphBuilder& b, const FunctionRequest& request,
                     const UNetConfig& config);

// gradients, part -> gradients: their sum, which may lie where `gradients`
// does.
void trainAccumulate(GraphBuilder& b, const std::string& name,
                     const ParameterLayout& layout);

// parameters, first_moment, second_moment, average, gradients, hyper
//   -> parameters, first_moment, second_moment, average, report
//
// The rest of the step, of sums of what trainGradient gives; in place as there.
void trainUpdate(GraphBuilder& b, const FunctionRequest& request,
                 const ParameterLayout& layout);

} // namespace burin::models
