// SPDX-License-Identifier: Apache-2.0
// Passes that show what single ops answer, for tests and for people.
#pragma once

namespace burin {

// burin-lower-ops: each op is replaced by what its own `decompose` or `lower`
// gives, without regard to its neighbours.
// burin-explain: a remark on each op with its cost and its library call.
void registerOpPasses();

} // namespace burin
