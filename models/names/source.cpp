// SPDX-License-Identifier: Apache-2.0
// What both kinds of source share: tensors, tokenizer, the choice between them.
#include "models/names/source.h"

#include "models/names/config.h"
#include "models/names/rules.h"

#include <filesystem>

namespace burin::names {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestTokenizer = 64u << 20;

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// tokenizer.json holds vocabulary and merges in one document; newer tools
// write nothing else. A merge is "a b" or ["a", "b"].
Status readCombinedTokenizer(const std::string& path, Source& source) {
  BURIN_ASSIGN(std::string text, readTextFile(path, kLargestTokenizer));
  BURIN_ASSIGN(nlohmann::json json, parseJson(text, "'" + path + "'"));
  const nlohmann::json model = json.value("model", nlohmann::json::object());
  auto bad = [&] {
    return dataLoss("'" + path +
                    "' lacks a byte-pair model (model.vocab and "
                    "model.merges); save the tokenizer again");
  };
  if (!model.is_object() || !model.contains("vocab") ||
      !model["vocab"].is_object() || !model.contains("merges") ||
      !model["merges"].is_array())
    return bad();
  std::string merges = "#version: 0.2\n";
  for (const nlohmann::json& merge : model["merges"]) {
    if (merge.is_string())
      merges += merge.get<std::string>() + "\n";
    else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
             merge[1].is_string())
      merges += merge[0].get<std::string>() + " " +
                merge[1].get<std::string>() + "\n";
    else
      return bad();
  }
  source.metadata["tokenizer.vocab"] = model["vocab"].dump();
  source.metadata["tokenizer.merges"] = std::move(merges);
  return okStatus();
}

// A tokenizer saved without a limit states an absurd one (1e30): the text
// encoder's number of positions is the limit then.
Status boundTokens(Source& source) {
  constexpr const char* kKey = "model_max_length";
  BURIN_ASSIGN(
      nlohmann::json config,
      parseJson(source.metadata["tokenizer.config"], "tokenizer_config.json"));
  Config encoder("text_encoder", source.configs["text_encoder"]);
  const int64_t positions = encoder.count("max_position_embeddings", 77);
  BURIN_TRY(encoder.status());
  auto stated = config.find(kKey);
  if (stated != config.end() && stated->is_number() &&
      stated->get<double>() <= static_cast<double>(positions))
    return okStatus();
  config[kKey] = positions;
  source.metadata["tokenizer.config"] = config.dump(2);
  return okStatus();
}

} // namespace

Status readTokenizer(const std::string& folder, Source& source) {
  if (exists(folder + "/vocab.json")) {
    BURIN_ASSIGN(std::string vocabulary,
                 readTextFile(folder + "/vocab.json", kLargestTokenizer));
    BURIN_ASSIGN(nlohmann::json json,
                 parseJson(vocabulary, "'" + folder + "/vocab.json'"));
    BURIN_ASSIGN(std::string merges,
                 readTextFile(folder + "/merges.txt", kLargestTokenizer));
    source.metadata["tokenizer.vocab"] = std::move(vocabulary);
    source.metadata["tokenizer.merges"] = std::move(merges);
  } else if (exists(folder + "/tokenizer.json")) {
    BURIN_TRY(readCombinedTokenizer(folder + "/tokenizer.json", source));
  } else {
    return notFound("the tokenizer folder '" + folder +
                    "' has neither vocab.json and merges.txt nor "
                    "tokenizer.json; name a folder that does with "
                    "--tokenizer");
  }
  std::string& config = source.metadata["tokenizer.config"];
  config = "{}";
  if (const std::string path = folder + "/tokenizer_config.json";
      exists(path)) {
    BURIN_ASSIGN(config, readTextFile(path, kLargestTokenizer));
    BURIN_TRY(parseJson(config, "'" + path + "'").status());
  }
  return okStatus();
}

Status addTensors(const std::string& path, const std::string& relative,
                  const std::string& prefix, std::string_view rulesText,
                  Source& source) {
  BURIN_ASSIGN(Rules rules, Rules::parse(rulesText, "the naming rules"));
  BURIN_ASSIGN(SafetensorsFile opened, SafetensorsFile::open(path));
  const SafetensorsFile& file =
      source.files.emplace(relative, std::move(opened)).first->second;
  for (const TensorView& tensor : file.tensors()) {
    std::string origin = prefix + std::string(tensor.name);
    Renamed renamed = rules.apply(origin);
    if (!renamed.ignored.empty())
      source.ignored.emplace_back(std::move(origin), renamed.ignored);
    else
      source.tensors.push_back({std::move(renamed.name), std::move(origin),
                                &tensor, &file.file(), renamed.matrix});
  }
  return okStatus();
}

Result<Source> openSource(const SourceOptions& options) {
  std::error_code error;
  fs::file_status status = fs::status(options.path, error);
  if (!fs::exists(status))
    return notFound("the model '" + options.path +
                    "' does not exist; name a diffusers folder or a "
                    "safetensors file");
  Source source;
  if (fs::is_directory(status))
    BURIN_TRY(openDiffusersFolder(options.path, source));
  else
    BURIN_TRY(openSingleFile(options.path, source));
  if (!options.tokenizer.empty())
    BURIN_TRY(readTokenizer(options.tokenizer, source));
  else if (!source.metadata.count("tokenizer.vocab"))
    return invalidArgument("'" + options.path +
                           "' has no tokenizer; name a folder with vocab.json "
                           "and merges.txt with --tokenizer");
  BURIN_TRY(boundTokens(source));
  return source;
}

} // namespace burin::names
