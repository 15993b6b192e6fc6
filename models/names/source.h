// SPDX-License-Identifier: Apache-2.0
// A model as others publish it: opened, its tensors under the names that a
// checkpoint uses, but not yet compared with what the model should have.
#pragma once

#include "formats/safetensors/safetensors.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace burin::names {

struct SourceTensor {
  std::string name;   // in the checkpoint
  std::string origin; // in the file
  const TensorView* view = nullptr;
  const MappedFile* file = nullptr;
  bool matrix = false; // extents of 1 beyond the second are dropped
};

struct Source {
  std::string architecture;
  std::map<std::string, nlohmann::json> configs; // by component
  // Texts for the checkpoint's metadata, under their keys.
  std::map<std::string, std::string, std::less<>> metadata;
  // The opened files, by their name relative to the source.
  std::map<std::string, SafetensorsFile> files;
  std::vector<SourceTensor> tensors;
  std::vector<std::pair<std::string, std::string>> ignored; // name, reason
  std::vector<std::string> notes; // parts that were left out, and why
};

struct SourceOptions {
  std::string path;
  // A folder with vocab.json and merges.txt or with tokenizer.json, for
  // sources that have none.
  std::string tokenizer;
};

// A diffusers folder (it has model_index.json) or a single safetensors file.
Result<Source> openSource(const SourceOptions& options);

// The two halves of openSource, in files of their own.
Status openDiffusersFolder(const std::string& path, Source& source);
Status openSingleFile(const std::string& path, Source& source);
Status readTokenizer(const std::string& folder, Source& source);

// Opens one file and renames its tensors by `rules`, an embedded text;
// `prefix` goes in front of each name first.
Status addTensors(const std::string& path, const std::string& relative,
                  const std::string& prefix, std::string_view rules,
                  Source& source);

} // namespace burin::names
