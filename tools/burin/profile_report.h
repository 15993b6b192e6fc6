// SPDX-License-Identifier: Apache-2.0
// Shows where the time of a function went.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "runtime/program/profile.h"

namespace burin::cli {

// Two tables: by kernel, and the slowest layers.
std::string profileText(std::span<const StepInfo> steps,
                        std::span<const double> seconds);
// {"kernels": [...], "layers": [...]}, all rows.
nlohmann::json profileJson(std::span<const StepInfo> steps,
                           std::span<const double> seconds);

} // namespace burin::cli
