// SPDX-License-Identifier: Apache-2.0
// An edit by instruction as graphs: what surrounds the networks between the
// first upload and the last download.
//
// Several edits of one size run at once, each in all guidance branches:
// evaluation b * edits + e of the UNet is branch b of edit e. Everything but
// the networks is float32.
#pragma once

#include "models/graph/diffusion/unet_config.h"
#include "models/graph/request.h"

#include <span>

namespace burin::models {

// How many texts editText reads: an instruction an edit where a branch sees
// them, then the empty text where a branch does not.
int64_t editTexts(std::span<const EditBranch> branches, int64_t edits);
// `states` [texts, tokens, width] as [branches * edits, tokens, width].
Value editText(GraphBuilder& b, std::span<const EditBranch> branches,
               int64_t edits, Value states);

// The posterior's `moments` [edits, h, w, 2 c] as what the UNet reads beside
// the sample, [branches * edits, h, w, 2 c]: zeros where the sample goes, then
// the mean, which is the mode, or zeros.
Value editPicture(GraphBuilder& b, std::span<const EditBranch> branches,
                  Value moments);

struct EditStep {
  Value sample;       // [edits, h, w, c]
  Value first;        // likewise: the sample that step 0 began with
  Value noise;        // likewise: fresh
  Value history;      // [kHistory, edits, h, w * c], latest first
  Value picture;      // of editPicture
  Value coefficients; // models/schedule/coefficients.h
  Value text;         // of editText
};
struct EditState {
  Value sample;
  Value history;
};
// One evaluation and the sampler's step after it (models/schedule/sampler.h).
EditState editStep(GraphBuilder& b, const UNetConfig& config,
                   const EditStep& step);

} // namespace burin::models
