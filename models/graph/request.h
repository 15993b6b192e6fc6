// SPDX-License-Identifier: Apache-2.0
// What to compile: a JSON object that names components with their
// configurations and the functions wanted of them.
//
//   {"architecture": "instruct_pix2pix", "target": "x86-64-v4",
//    "precision": "f32",
//    "components": {"unet": {"config": {..}, "dtype": "f32"}, ..},
//    "functions": [{"component": "unet", "name": "unet", "batch": 3,
//                   "height": 64, "width": 64, "tokens": 77,
//                   "layout": "nchw"}, ..]}
#pragma once

#include "runtime/base/dtype.h"
#include "runtime/base/status.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace burin::models {

struct ComponentRequest {
  nlohmann::json config;
  DType dtype = DType::kF32; // of its tensors in the checkpoint
};

// A guidance branch of an edit, as it conditions the network.
struct EditBranch {
  bool text = false;    // sees the instruction, else the empty text
  bool picture = false; // sees the picture, else zeros
};

// What a denoiser is trained to predict.
enum class Prediction { kEpsilon, kVelocity };

// Low-rank terms beside layers of a component (models/graph/common/low_rank.h).
struct AdapterRequest {
  int64_t rank = 0; // of all adapters together that stand side by side
  double scale = 1; // alpha / rank, in training
  std::vector<std::string> layers; // "mid_block.attentions.0.proj_in"
};

// Extents are those of the function's input; what a function does not take
// is 0. `height` and `width` count pixels or latent pixels.
struct FunctionRequest {
  std::string component;
  std::string name;
  int64_t batch = 1;
  int64_t height = 0;
  int64_t width = 0;
  int64_t tokens = 0;
  bool channelsFirst = false; // images at the boundary: "nchw", not "nhwc"
  // Inputs that keep their values over many calls. What depends on them alone
  // becomes a function "<name>.invariants" whose results the function takes
  // instead.
  std::vector<std::string> invariant;
  // Of the functions of an edit: "text+picture", "text", "picture", "none";
  // these three where the request has no "branches".
  std::vector<EditBranch> branches = {
      {true, true}, {false, true}, {false, false}};
  // Of a training step: "prediction" is "epsilon" or "v_prediction", "decay"
  // is "weights" (tensors of more than one axis) or "all".
  Prediction prediction = Prediction::kEpsilon;
  bool decayAll = false;
  // "adapter": {"rank": 16, "scale": 1, "layers": ["conv_in", ..]}. A training
  // step then learns its factors alone; "unet" and "edit_step" take them as
  // inputs.
  std::optional<AdapterRequest> adapter;
  // MiB that inputs, outputs and working memory may take together, for which
  // values are computed again ("memory_budget"); 0: as many as is fastest.
  int64_t memoryBudget = 0;
};

struct CompileRequest {
  std::string architecture;
  std::string target;            // "x86-64-v4" (an LLVM CPU level), "sm_90a"
  DType precision = DType::kF32; // of activations: f32, bf16, f16 on cards
  std::map<std::string, ComponentRequest, std::less<>> components;
  std::vector<FunctionRequest> functions;
};

// Checks everything but the components' configurations, which the networks
// read themselves, and the target, which belongs to the code generator.
Result<CompileRequest> parseCompileRequest(std::string_view json);

} // namespace burin::models
