// SPDX-License-Identifier: Apache-2.0
// Opens a pipeline that diffusers saved: a folder for each component.
#include "models/names/config.h"
#include "models/names/embedded.h"
#include "models/names/source.h"

#include <array>
#include <filesystem>
#include <set>

namespace burin::names {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr size_t kLargestConfig = 16u << 20;

struct Pipeline {
  std::string_view className, architecture;
};
constexpr std::array<Pipeline, 3> kPipelines = {
    {{"StableDiffusionInstructPix2PixPipeline", "instruct_pix2pix"},
     {"StableDiffusionPipeline", "stable_diffusion"},
     {"StableDiffusionImg2ImgPipeline", "stable_diffusion"}}};

// A component that holds tensors, and what diffusers calls its class and the
// weights inside its folder.
struct Component {
  const char *name, *className, *weights;
};
constexpr std::array<Component, 3> kComponents = {
    {{"unet", "UNet2DConditionModel", "diffusion_pytorch_model"},
     {"vae", "AutoencoderKL", "diffusion_pytorch_model"},
     {"text_encoder", "CLIPTextModel", "model"}}};

bool isFile(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// The class of a component in model_index.json, empty where it is null.
std::string classOf(const Json& index, const std::string& component) {
  auto entry = index.find(component);
  if (entry == index.end() || !entry->is_array() || entry->size() != 2 ||
      !(*entry)[1].is_string())
    return {};
  return (*entry)[1].get<std::string>();
}

Result<std::string> architectureOf(const Json& index, const std::string& path) {
  auto name = index.find("_class_name");
  std::string known;
  for (const Pipeline& pipeline : kPipelines) {
    if (name != index.end() && *name == pipeline.className)
      return std::string(pipeline.architecture);
    known += (known.empty() ? "" : ", ") + std::string(pipeline.className);
  }
  return unimplemented(
      "'" + path + "' holds the pipeline " +
      (name != index.end() ? name->dump() : std::string("(unnamed)")) +
      ", known are " + known);
}

// The files an index of shards refers to, each once.
Result<std::set<std::string>> shardNames(const std::string& path) {
  BURIN_ASSIGN(std::string text, readTextFile(path, kLargestConfig));
  BURIN_ASSIGN(Json json, parseJson(text, "'" + path + "'"));
  std::set<std::string> names;
  auto map = json.find("weight_map");
  if (map == json.end() || !map->is_object() || map->empty())
    return dataLoss("'" + path + "' lacks its weight_map; fetch it again");
  for (const Json& file : *map) {
    if (!file.is_string() ||
        file.get<std::string>().find('/') != std::string::npos)
      return dataLoss("'" + path + "' names " + file.dump() +
                      " where a file beside it is due; fetch it again");
    names.insert(file.get<std::string>());
  }
  return names;
}

// Full-precision weights before half-precision ones, one file before shards.
Result<std::set<std::string>> weightFiles(const std::string& folder,
                                          const std::string& stem) {
  for (const char* variant : {"", ".fp16"}) {
    std::string single = stem + variant + ".safetensors";
    if (isFile(folder + "/" + single))
      return std::set<std::string>{single};
    for (std::string index : {stem + ".safetensors.index" + variant + ".json",
                              single + ".index.json"})
      if (isFile(folder + "/" + index))
        return shardNames(folder + "/" + index);
  }
  bool pickled = isFile(folder + "/" + stem + ".bin") ||
                 isFile(folder + "/pytorch_model.bin");
  return notFound("'" + folder + "' has no '" + stem + ".safetensors'" +
                  (pickled ? ", only a pickle file, which can run code; save "
                             "the model with safe_serialization=True"
                           : "; fetch the model again"));
}

Status openComponent(const std::string& path, const Component& component,
                     Source& source) {
  const std::string name = component.name, folder = path + "/" + name;
  const std::string file = folder + "/config.json";
  BURIN_ASSIGN(std::string text, readTextFile(file, kLargestConfig));
  BURIN_ASSIGN(source.configs[name], parseJson(text, "'" + file + "'"));
  source.metadata[name + ".config"] = std::move(text);
  BURIN_ASSIGN(std::set<std::string> files,
               weightFiles(folder, component.weights));
  for (const std::string& weights : files)
    BURIN_TRY(addTensors(folder + "/" + weights, name + "/" + weights,
                         name + ".", kDiffusersRules, source));
  return okStatus();
}

// "license: mit" in the front matter of the model's page.
std::string licenceOf(const std::string& path) {
  Result<std::string> page = readTextFile(path + "/README.md", kLargestConfig);
  size_t at = page.ok() ? page->find("\nlicense:") : std::string::npos;
  if (at == std::string::npos || page->rfind("---", 0) != 0)
    return "unknown";
  size_t begin = page->find_first_not_of(" \t", at + 9);
  size_t end = page->find_first_of("\r\n", at + 1);
  return begin < end ? page->substr(begin, end - begin) : "unknown";
}

} // namespace

Status openDiffusersFolder(const std::string& path, Source& source) {
  const std::string indexPath = path + "/model_index.json";
  if (!isFile(indexPath))
    return notFound("the folder '" + path +
                    "' has no model_index.json; name the folder that "
                    "diffusers' save_pretrained wrote");
  BURIN_ASSIGN(std::string text, readTextFile(indexPath, kLargestConfig));
  BURIN_ASSIGN(Json index, parseJson(text, "'" + indexPath + "'"));
  BURIN_ASSIGN(source.architecture, architectureOf(index, path));
  for (const Component& component : kComponents) {
    std::string found = classOf(index, component.name);
    if (found != component.className)
      return unimplemented("'" + indexPath + "' gives " + component.name +
                           " the class '" + found + "', only " +
                           component.className + " is served");
    BURIN_TRY(openComponent(path, component, source));
  }
  const std::string scheduler = path + "/scheduler/scheduler_config.json";
  BURIN_ASSIGN(text, readTextFile(scheduler, kLargestConfig));
  BURIN_TRY(parseJson(text, "'" + scheduler + "'").status());
  source.metadata["scheduler.config"] = std::move(text);
  if (std::error_code ignored; fs::is_directory(path + "/tokenizer", ignored))
    BURIN_TRY(readTokenizer(path + "/tokenizer", source));
  // How its makers run the model best.
  if (index.contains("burin"))
    source.metadata["edit.config"] = index["burin"].dump();
  source.metadata["licence"] = licenceOf(path);
  for (const char* extra :
       {"safety_checker", "feature_extractor", "image_encoder"})
    if (std::string found = classOf(index, extra); !found.empty())
      source.notes.push_back(std::string(extra) + " (" + found +
                             ") is left out: it is not part of the network");
  return okStatus();
}

} // namespace burin::names
