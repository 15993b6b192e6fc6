// SPDX-License-Identifier: Apache-2.0
// The tiny model of the golden edits, as a checkpoint.
#pragma once

#include <map>
#include <string>

#include "runtime/base/status.h"

namespace burin::pipeline {

using Metadata = std::map<std::string, std::string, std::less<>>;

// Writes the model of golden/edit.safetensors. `changes` replaces metadata; an
// empty value leaves the key out.
Status writeTinyModel(const std::string& path, const Metadata& changes = {});

} // namespace burin::pipeline
