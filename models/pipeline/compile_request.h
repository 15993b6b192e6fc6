// SPDX-License-Identifier: Apache-2.0
// Says to the compiler what to make of a checkpoint (compiler/abi.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/checkpoint/checkpoint.h"
#include "runtime/base/status.h"

namespace burin {

// Low-rank terms beside layers of a UNet: to be learnt, or inputs of a function
// that runs it.
struct AdapterShape {
  int64_t rank = 0;                // of all that stand side by side
  double scale = 1;                // alpha / rank, in training
  std::vector<std::string> layers; // "mid_block.attentions.0.proj_in"

  bool operator==(const AdapterShape&) const = default;
};

// One specialised function. Zero stands for an extent that the function does
// not have.
struct FunctionRequest {
  std::string name; // one of kFunctions
  int64_t batch = 1;
  int64_t height = 0; // of the function's input tensor
  int64_t width = 0;
  int64_t tokens = 0;
  // Inputs that keep their values over many runs: what depends on them alone
  // is computed by the function "<name>.invariants", whose outputs the
  // function takes in their place.
  std::vector<std::string> invariant = {};
  // Of an edit's functions: the guidance branches (branchName in guidance.h);
  // empty stands for text+picture, picture, none.
  std::vector<std::string> branches = {};
  // Of a training step: "epsilon" or "v_prediction"; "weights" or "all".
  std::string prediction = {};
  std::string decay = {};
  std::optional<AdapterShape> adapter = {};
  // MiB that inputs, outputs and working memory may take; 0: what is fastest.
  int64_t memoryBudget = 0;

  bool operator==(const FunctionRequest&) const = default;
};

// What the functions of an architecture are called, and the component (prefix
// of tensor names, "<component>.config") that each belongs to.
struct FunctionKind {
  std::string_view name;
  std::string_view component;
  std::string_view imageInput;  // [batch, channels, height, width], or none
  std::string_view tokensInput; // [batch, tokens, ...], or none
  // A part of an edit or of training as it runs on a device: images are
  // channels-last, and `batch` counts edits, not what their guidance branches
  // evaluate.
  bool part = false;
  std::string_view invariant = {}; // an input that always is, or none
};
inline constexpr FunctionKind kFunctions[] = {
    {"unet", "unet", "sample", "encoder_hidden_states"},
    {"vae_encoder", "vae", "image", ""},
    {"vae_decoder", "vae", "latent", ""},
    {"text_encoder", "text_encoder", "", "input_ids"},
    {"edit_text", "text_encoder", "", "input_ids", true},
    {"edit_picture", "vae", "image", "", true},
    {"edit_adapters", "unet", "", "", true},
    {"edit_step", "unet", "sample", "encoder_hidden_states", true,
     "encoder_hidden_states"},
    {"edit_decode", "vae", "sample", "", true},
    {"train_initialize", "unet", "", "", true},
    {"train_step", "unet", "target", "encoder_hidden_states", true},
    {"train_gradient", "unet", "target", "encoder_hidden_states", true},
    {"train_accumulate", "unet", "", "", true},
    {"train_update", "unet", "", "", true},
    {"train_export", "unet", "", "", true},
};

// The error lists the known names.
Result<FunctionKind> findFunctionKind(std::string_view name);

enum class Layout { kNchw, kNhwc };

struct CompileTarget {
  std::string processor;         // as targetOf() gives it
  std::string precision = "f32"; // or bf16; on cards also f16
  Layout layout = Layout::kNchw; // of images at the functions' boundary
};

// Whether code for that processor computes in that precision.
Status checkPrecision(std::string_view precision, std::string_view processor);

// The request's text, the same whenever its meaning is the same.
Result<std::string> compileRequest(const Checkpoint& checkpoint,
                                   std::span<const FunctionRequest> functions,
                                   const CompileTarget& target);

} // namespace burin
