// SPDX-License-Identifier: Apache-2.0
// From a compile request to a graph: one func.func of burin ops for each
// requested function, with `burin.name` on its arguments and results.
//
//   component     function      inputs -> outputs
//   unet          unet          sample, timestep, encoder_hidden_states
//                               -> sample
//   vae           vae_encoder   image -> moments
//                 vae_decoder   latent -> image
//   text_encoder  text_encoder  input_ids -> last_hidden_state, pooled_output
//
// Edits as they run on a device, `batch` of them at once, images channels-last
// (models/graph/diffusion/edit.h):
//   text_encoder  edit_text     input_ids -> encoder_hidden_states
//   vae           edit_picture  image -> picture
//   unet          edit_step     sample, first, noise, history, picture,
//                               coefficients, encoder_hidden_states
//                               -> sample, history
//   vae           edit_decode   sample -> edited
//
// With "adapter" in the request, unet and edit_step read the inputs `adapters`
// and `adapter_gate` too (models/graph/diffusion/adapter_inputs.h):
//   unet          edit_adapters factors, by layer -> adapters
//
// Training, on flat buffers of all parameters (models/graph/train/train.h):
//   unet          train_initialize   -> parameters
//                 train_step         parameters, first_moment, second_moment,
//                                    average, target, source,
//                                    encoder_hidden_states, noise, timestep,
//                                    signal, noise_level, hyper
//                                    -> the first four, report
//                 train_export       parameters -> tensors of the checkpoint
// and with "adapter", on the factors of an adapter alone, with which
// train_initialize begins.
//
// Floats at the boundary are f32, `timestep` is f32 [batch], `input_ids` i64.
#pragma once

#include "models/graph/request.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace burin::models {

Result<mlir::OwningOpRef<mlir::ModuleOp>>
buildModule(mlir::MLIRContext& context, const CompileRequest& request);

// The element type of a float DType.
mlir::Type floatType(mlir::MLIRContext& context, DType dtype);

} // namespace burin::models
