// SPDX-License-Identifier: Apache-2.0
// What a module must satisfy beyond being a well-formed FlatBuffer; module.h
// lists it.
#pragma once

#include "formats/module/module.h"

namespace burin::module {

// Precondition: the FlatBuffers verifier has passed.
Status checkModule(const Module& module);

} // namespace burin::module
