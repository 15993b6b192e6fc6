// SPDX-License-Identifier: Apache-2.0
// Turns an edit into a sentence. Templates are data; some are held out, so
// that a model can be measured on phrasings it has not read.
#pragma once

#include <string>
#include <string_view>

#include "models/data/edit.h"
#include "models/data/random.h"
#include "models/data/scene.h"

namespace burin::data {

enum class Split : uint8_t { kTrain, kHeldOut };

// What a template's slots stand for; those a kind does not use stay empty or
// zero. {a} is the subject's name, {as} its plural, {b} the new subject with
// article, {place} and {to} say `place`, {colour}, {n} and {background} what
// their names say.
struct Slots {
  std::string subject;
  std::string plural;
  std::string object;
  std::string_view colour;
  int place = 0;
  int degree = 0; // index into kDegrees
  int count = 0;
  BackgroundKind background = BackgroundKind::kPlain;
  Look look = Look::kNone;
};

std::string phrase(EditKind kind, const Slots& slots, Split split,
                   Random& random);

} // namespace burin::data
