// SPDX-License-Identifier: Apache-2.0
// Opens a single file of the Stable Diffusion 1.x family. It carries weights
// alone: the configuration is the family's, with the widths that the tensors
// show.
#include "models/names/config.h"
#include "models/names/embedded.h"
#include "models/names/source.h"

#include <algorithm>
#include <filesystem>

namespace burin::names {
namespace {

using Json = nlohmann::json;

// Looks tensors up by their names in the checkpoint.
class Shapes {
public:
  explicit Shapes(const Source& source) {
    for (const SourceTensor& tensor : source.tensors)
      shapes_.emplace(tensor.name, tensor.view->shape);
  }

  bool has(const std::string& name) const { return shapes_.count(name) != 0; }

  // Extent `axis` of a tensor, or `otherwise` when there is none; then the
  // comparison with what is expected will name it as missing.
  int64_t extent(const std::string& name, size_t axis,
                 const Json& otherwise) const {
    auto at = shapes_.find(name);
    if (at == shapes_.end() || axis >= at->second.size())
      return otherwise.get<int64_t>();
    return at->second[axis];
  }

private:
  std::map<std::string, std::span<const int64_t>> shapes_;
};

void inferUnet(const Shapes& shapes, Json& config) {
  config["in_channels"] =
      shapes.extent("unet.conv_in.weight", 1, config["in_channels"]);
  config["cross_attention_dim"] = shapes.extent(
      "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight", 1,
      config["cross_attention_dim"]);
  for (size_t i = 0; i < 4; ++i)
    config["block_out_channels"][i] = shapes.extent(
        "unet.down_blocks." + std::to_string(i) + ".resnets.0.conv1.weight", 0,
        config["block_out_channels"][i]);
}

void inferVae(const Shapes& shapes, Json& config) {
  config["latent_channels"] =
      shapes.extent("vae.decoder.conv_in.weight", 1, config["latent_channels"]);
  for (size_t i = 0; i < 4; ++i)
    config["block_out_channels"][i] =
        shapes.extent("vae.encoder.down_blocks." + std::to_string(i) +
                          ".resnets.0.conv1.weight",
                      0, config["block_out_channels"][i]);
}

void inferTextEncoder(const Shapes& shapes, Json& config) {
  const std::string model = "text_encoder.text_model";
  const std::string tokens = model + ".embeddings.token_embedding.weight";
  config["vocab_size"] = shapes.extent(tokens, 0, config["vocab_size"]);
  config["hidden_size"] = shapes.extent(tokens, 1, config["hidden_size"]);
  config["max_position_embeddings"] =
      shapes.extent(model + ".embeddings.position_embedding.weight", 0,
                    config["max_position_embeddings"]);
  const std::string layers = model + ".encoder.layers.";
  config["intermediate_size"] = shapes.extent(layers + "0.mlp.fc1.weight", 0,
                                              config["intermediate_size"]);
  int64_t count = 0;
  while (shapes.has(layers + std::to_string(count) + ".mlp.fc1.weight"))
    ++count;
  if (count > 0)
    config["num_hidden_layers"] = count;
  // Heads of this family are 64 wide.
  const int64_t width = config["hidden_size"].get<int64_t>();
  config["num_attention_heads"] = std::max<int64_t>(width / 64, 1);
}

} // namespace

Status openSingleFile(const std::string& path, Source& source) {
  if (std::string extension = std::filesystem::path(path).extension().string();
      extension == ".ckpt" || extension == ".pt" || extension == ".pth" ||
      extension == ".bin")
    return invalidArgument("'" + path +
                           "' is a pickle file, which can run code when it is "
                           "read; convert it to safetensors first");
  const std::string relative = std::filesystem::path(path).filename().string();
  BURIN_TRY(addTensors(path, relative, "", kStableDiffusion1Rules, source));
  Shapes shapes(source);
  if (!shapes.has("unet.conv_in.weight") ||
      !shapes.has("vae.decoder.conv_in.weight"))
    return unimplemented("'" + path +
                         "' is no single file of Stable Diffusion 1.x or "
                         "InstructPix2Pix (it lacks model.diffusion_model."
                         "input_blocks.0.0.weight or first_stage_model."
                         "decoder.conv_in.weight); convert a diffusers folder");
  BURIN_ASSIGN(Json family, parseJson(kStableDiffusion1Config,
                                      "the family's configuration"));
  inferUnet(shapes, family["unet"]);
  inferVae(shapes, family["vae"]);
  inferTextEncoder(shapes, family["text_encoder"]);
  // The picture to edit enters beside the noise.
  bool edits = family["unet"]["in_channels"].get<int64_t>() ==
               2 * family["vae"]["latent_channels"].get<int64_t>();
  source.architecture = edits ? "instruct_pix2pix" : "stable_diffusion";
  for (const char* component : {"unet", "vae", "text_encoder"}) {
    source.configs[component] = family[component];
    source.metadata[std::string(component) + ".config"] =
        family[component].dump(2);
  }
  source.metadata["scheduler.config"] =
      family["scheduler"][source.architecture].dump(2);
  source.metadata["licence"] = "unknown";
  source.notes.push_back("the configuration is that of the Stable Diffusion "
                         "1.x family: a single file carries none");
  return okStatus();
}

} // namespace burin::names
