// SPDX-License-Identifier: Apache-2.0
// Prints what was measured, the peer beside it.
#pragma once

#include <optional>

#include "tools/burin/bench_peer.h"

namespace burin::cli {

Status reportText(const BenchOptions& options, const Measured& burin,
                  const std::optional<Peer>& peer);
Status reportJson(const BenchOptions& options, const Measured& burin,
                  const std::optional<Peer>& peer);

} // namespace burin::cli
