// SPDX-License-Identifier: Apache-2.0
// The vocabulary of OpenAI's CLIP, rebuilt from its list of merges.
#pragma once

#include <string>

namespace burin::text {

struct ClipVocabulary {
  std::string vocabulary; // vocab.json
  std::string merges;     // merges.txt
};

ClipVocabulary clipVocabulary();

} // namespace burin::text
