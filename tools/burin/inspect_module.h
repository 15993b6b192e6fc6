// SPDX-License-Identifier: Apache-2.0
// Describes a compiled module.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "formats/module/module.h"

namespace burin::cli {

nlohmann::json describeModule(const module::Module& module);
// The same for people.
std::string moduleText(const nlohmann::json& description);

} // namespace burin::cli
