// SPDX-License-Identifier: Apache-2.0
// Makes instruction-edit examples: two scenes and the sentence between them.
//
// Example i of a split depends on (seed, split, i) alone: examples can be made
// in any order, by any number of threads, stored or streamed.
//
// What the held-out split shows that training never does: its scenes, half of
// its background kinds, every pairing of subjects in it, its sentence
// templates, and one in eight subjects (only ever kept, moved or removed).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/data/edit.h"
#include "models/data/scene.h"
#include "models/data/subjects.h"
#include "models/data/wording.h"

namespace burin::data {

struct Example {
  EditKind kind;
  Scene source, target;
  std::string instruction;
};

class Generator {
public:
  // Keeps a reference to `catalogue`.
  Generator(const Catalogue& catalogue, uint64_t seed, Split split)
      : catalogue_(catalogue), seed_(seed), split_(split) {}

  // An edit of the usual mix of kinds, or of the kind asked for.
  Example make(uint64_t index) const;
  Example make(uint64_t index, EditKind kind) const;

  // Whether two subjects may share a picture or an edit in this split.
  bool mayMeet(int first, int second) const;

private:
  class Draft;

  const Catalogue& catalogue_;
  uint64_t seed_;
  Split split_;
};

} // namespace burin::data
