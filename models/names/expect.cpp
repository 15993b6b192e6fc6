// SPDX-License-Identifier: Apache-2.0
// Walks each network as its definition does, and notes every parameter.
#include "models/names/expect.h"

#include "models/names/config.h"

#include <algorithm>
#include <utility>

namespace burin::names {
namespace {

using Json = nlohmann::json;

// Collects tensors under dotted paths.
class List {
public:
  explicit List(std::vector<TensorSpec>& specs) : specs_(specs) {}

  void add(const std::string& name, Shape shape) {
    specs_.push_back({name, DType::kF32, std::move(shape)});
  }
  void linear(const std::string& path, int64_t from, int64_t to,
              bool bias = true) {
    add(path + ".weight", {to, from});
    if (bias)
      add(path + ".bias", {to});
  }
  void conv(const std::string& path, int64_t from, int64_t to, int64_t kernel) {
    add(path + ".weight", {to, from, kernel, kernel});
    add(path + ".bias", {to});
  }
  void norm(const std::string& path, int64_t width) {
    add(path + ".weight", {width});
    add(path + ".bias", {width});
  }

  // `time` is the width of the time embedding, 0 where there is none.
  void resnet(const std::string& path, int64_t from, int64_t to, int64_t time) {
    norm(path + ".norm1", from);
    conv(path + ".conv1", from, to, 3);
    if (time)
      linear(path + ".time_emb_proj", time, to);
    norm(path + ".norm2", to);
    conv(path + ".conv2", to, to, 3);
    if (from != to)
      conv(path + ".conv_shortcut", from, to, 1);
  }

  void attention(const std::string& path, int64_t width, int64_t context,
                 bool bias) {
    linear(path + ".to_q", width, width, bias);
    linear(path + ".to_k", context, width, bias);
    linear(path + ".to_v", context, width, bias);
    linear(path + ".to_out.0", width, width);
  }

private:
  std::vector<TensorSpec>& specs_;
};

std::string at(const std::string& path, size_t index) {
  return path + "." + std::to_string(index);
}

class Unet {
public:
  Unet(const Json& json, std::vector<TensorSpec>& specs)
      : config_("unet", json), list_(specs) {}

  Status expect() {
    readConfig();
    if (!config_.status().ok())
      return config_.status();
    const int64_t first = widths_.front(), last = widths_.back();
    list_.conv("unet.conv_in", config_.count("in_channels"), first, 3);
    list_.linear("unet.time_embedding.linear_1", first, time_);
    list_.linear("unet.time_embedding.linear_2", time_, time_);
    down();
    list_.resnet("unet.mid_block.resnets.0", last, last, time_);
    transformer("unet.mid_block.attentions.0", last);
    list_.resnet("unet.mid_block.resnets.1", last, last, time_);
    up();
    list_.norm("unet.conv_norm_out", first);
    list_.conv("unet.conv_out", first, config_.count("out_channels"), 3);
    return config_.status();
  }

private:
  void readConfig() {
    // Features of this class of networks that change its parameters.
    for (const char* key :
         {"class_embed_type", "addition_embed_type", "encoder_hid_dim",
          "encoder_hid_dim_type", "time_cond_proj_dim", "num_class_embeds",
          "time_embedding_dim", "projection_class_embeddings_input_dim",
          "timestep_post_act", "cross_attention_norm"})
      config_.require(key, nullptr);
    for (const char* key :
         {"only_cross_attention", "dual_cross_attention",
          "mid_block_only_cross_attention", "class_embeddings_concat"})
      config_.require(key, false);
    for (const char* key : {"conv_in_kernel", "conv_out_kernel"})
      config_.require(key, 3);
    config_.require("resnet_time_scale_shift", "default");
    config_.require("time_embedding_type", "positional");
    config_.require("attention_type", "default");
    config_.require("mid_block_type", "UNetMidBlock2DCrossAttn");

    widths_ = config_.counts("block_out_channels");
    downTypes_ = config_.strings("down_block_types");
    upTypes_ = config_.strings("up_block_types");
    layers_ = config_.count("layers_per_block", 2);
    context_ = config_.count("cross_attention_dim");
    depth_ = config_.count("transformer_layers_per_block", 1);
    linear_ = config_.flag("use_linear_projection", false);
    time_ = 4 * widths_.front();
    if (layers_ > 64 || depth_ > 256)
      config_.fail("has more than 64 layers a block or 256 transformer layers");
    checkTypes("down_block_types", downTypes_, "DownBlock2D");
    checkTypes("up_block_types", upTypes_, "UpBlock2D");
  }

  void checkTypes(const char* key, const std::vector<std::string>& types,
                  const std::string& plain) {
    if (types.size() != widths_.size())
      config_.fail("has " + std::to_string(types.size()) + " " + key + " for " +
                   std::to_string(widths_.size()) + " block_out_channels");
    for (const std::string& type : types)
      if (type != plain && type != "CrossAttn" + plain)
        config_.fail("has the block '" + type + "', only " + plain +
                     " and CrossAttn" + plain + " are served");
  }

  void transformer(const std::string& path, int64_t width) {
    auto project = [&](const std::string& name) {
      linear_ ? list_.linear(path + name, width, width)
              : list_.conv(path + name, width, width, 1);
    };
    list_.norm(path + ".norm", width);
    project(".proj_in");
    for (int64_t k = 0; k < depth_; ++k) {
      const std::string block = at(path + ".transformer_blocks", k);
      list_.norm(block + ".norm1", width);
      list_.attention(block + ".attn1", width, width, /*bias=*/false);
      list_.norm(block + ".norm2", width);
      list_.attention(block + ".attn2", width, context_, /*bias=*/false);
      list_.norm(block + ".norm3", width);
      list_.linear(block + ".ff.net.0.proj", width, 8 * width); // GEGLU
      list_.linear(block + ".ff.net.2", 4 * width, width);
    }
    project(".proj_out");
  }

  void down() {
    int64_t width = widths_.front();
    for (size_t i = 0; i < widths_.size(); ++i) {
      const std::string block = at("unet.down_blocks", i);
      int64_t from = std::exchange(width, widths_[i]);
      for (int64_t j = 0; j < layers_; ++j) {
        list_.resnet(at(block + ".resnets", j), j ? width : from, width, time_);
        if (downTypes_[i].starts_with("CrossAttn"))
          transformer(at(block + ".attentions", j), width);
      }
      if (i + 1 < widths_.size())
        list_.conv(block + ".downsamplers.0.conv", width, width, 3);
    }
  }

  // Each layer's input has the activation of the matching layer of the way
  // down (the skip) behind it.
  void up() {
    const size_t levels = widths_.size();
    int64_t width = widths_.back();
    for (size_t i = 0; i < levels; ++i) {
      const std::string block = at("unet.up_blocks", i);
      int64_t before = std::exchange(width, widths_[levels - 1 - i]);
      int64_t outer = widths_[i + 1 < levels ? levels - 2 - i : 0];
      for (int64_t j = 0; j <= layers_; ++j) {
        int64_t skip = j == layers_ ? outer : width;
        list_.resnet(at(block + ".resnets", j), (j ? width : before) + skip,
                     width, time_);
        if (upTypes_[i].starts_with("CrossAttn"))
          transformer(at(block + ".attentions", j), width);
      }
      if (i + 1 < levels)
        list_.conv(block + ".upsamplers.0.conv", width, width, 3);
    }
  }

  Config config_;
  List list_;
  std::vector<int64_t> widths_;
  std::vector<std::string> downTypes_, upTypes_;
  int64_t layers_ = 0, context_ = 0, depth_ = 0, time_ = 0;
  bool linear_ = false;
};

class Vae {
public:
  Vae(const Json& json, std::vector<TensorSpec>& specs)
      : config_("vae", json), list_(specs) {}

  Status expect() {
    widths_ = config_.counts("block_out_channels");
    layers_ = config_.count("layers_per_block", 1);
    attention_ = config_.flag("mid_block_add_attention", true);
    checkTypes("down_block_types", "DownEncoderBlock2D");
    checkTypes("up_block_types", "UpDecoderBlock2D");
    if (layers_ > 64)
      config_.fail("has more than 64 layers a block");
    if (!config_.status().ok())
      return config_.status();
    const int64_t latent = config_.count("latent_channels", 4);
    encoder(config_.count("in_channels", 3), 2 * latent);
    if (config_.flag("use_quant_conv", true))
      list_.conv("vae.quant_conv", 2 * latent, 2 * latent, 1);
    if (config_.flag("use_post_quant_conv", true))
      list_.conv("vae.post_quant_conv", latent, latent, 1);
    decoder(latent, config_.count("out_channels", 3));
    return config_.status();
  }

private:
  void checkTypes(const char* key, const char* only) {
    std::vector<std::string> types = config_.strings(key);
    if (types.size() != widths_.size() ||
        std::count(types.begin(), types.end(), only) !=
            static_cast<std::ptrdiff_t>(types.size()))
      config_.fail(std::string("needs ") + key + " to be " + only +
                   " for each of its " + std::to_string(widths_.size()) +
                   " block_out_channels");
  }

  void mid(const std::string& path) {
    const int64_t width = widths_.back();
    list_.resnet(path + ".resnets.0", width, width, 0);
    if (attention_) {
      list_.norm(path + ".attentions.0.group_norm", width);
      list_.attention(path + ".attentions.0", width, width, /*bias=*/true);
    }
    list_.resnet(path + ".resnets.1", width, width, 0);
  }

  void encoder(int64_t from, int64_t to) {
    int64_t width = widths_.front();
    list_.conv("vae.encoder.conv_in", from, width, 3);
    for (size_t i = 0; i < widths_.size(); ++i) {
      const std::string block = at("vae.encoder.down_blocks", i);
      int64_t before = std::exchange(width, widths_[i]);
      for (int64_t j = 0; j < layers_; ++j)
        list_.resnet(at(block + ".resnets", j), j ? width : before, width, 0);
      if (i + 1 < widths_.size())
        list_.conv(block + ".downsamplers.0.conv", width, width, 3);
    }
    mid("vae.encoder.mid_block");
    list_.norm("vae.encoder.conv_norm_out", width);
    list_.conv("vae.encoder.conv_out", width, to, 3);
  }

  void decoder(int64_t from, int64_t to) {
    int64_t width = widths_.back();
    list_.conv("vae.decoder.conv_in", from, width, 3);
    mid("vae.decoder.mid_block");
    for (size_t i = 0; i < widths_.size(); ++i) {
      const std::string block = at("vae.decoder.up_blocks", i);
      int64_t before = std::exchange(width, widths_[widths_.size() - 1 - i]);
      for (int64_t j = 0; j <= layers_; ++j)
        list_.resnet(at(block + ".resnets", j), j ? width : before, width, 0);
      if (i + 1 < widths_.size())
        list_.conv(block + ".upsamplers.0.conv", width, width, 3);
    }
    list_.norm("vae.decoder.conv_norm_out", width);
    list_.conv("vae.decoder.conv_out", width, to, 3);
  }

  Config config_;
  List list_;
  std::vector<int64_t> widths_;
  int64_t layers_ = 0;
  bool attention_ = true;
};

Status expectTextEncoder(const Json& json, std::vector<TensorSpec>& specs) {
  Config config("text_encoder", json);
  List list(specs);
  const int64_t width = config.count("hidden_size");
  const int64_t inner = config.count("intermediate_size");
  const int64_t layers = config.count("num_hidden_layers");
  if (layers > 1024)
    config.fail("has more than 1024 layers");
  if (!config.status().ok())
    return config.status();
  const std::string model = "text_encoder.text_model";
  list.add(model + ".embeddings.token_embedding.weight",
           {config.count("vocab_size"), width});
  list.add(model + ".embeddings.position_embedding.weight",
           {config.count("max_position_embeddings", 77), width});
  for (int64_t i = 0; i < layers; ++i) {
    const std::string layer = at(model + ".encoder.layers", i);
    list.norm(layer + ".layer_norm1", width);
    for (const char* name : {".q_proj", ".k_proj", ".v_proj", ".out_proj"})
      list.linear(layer + ".self_attn" + name, width, width);
    list.norm(layer + ".layer_norm2", width);
    list.linear(layer + ".mlp.fc1", width, inner);
    list.linear(layer + ".mlp.fc2", inner, width);
  }
  list.norm(model + ".final_layer_norm", width);
  return config.status();
}

} // namespace

Result<std::vector<TensorSpec>> expectTensors(const std::string& component,
                                              const Json& config) {
  std::vector<TensorSpec> specs;
  if (component == "unet")
    BURIN_TRY(Unet(config, specs).expect());
  else if (component == "vae")
    BURIN_TRY(Vae(config, specs).expect());
  else if (component == "text_encoder")
    BURIN_TRY(expectTextEncoder(config, specs));
  else
    return unimplemented("there is no expectation for the component '" +
                         component + "'; known are unet, vae, text_encoder");
  return specs;
}

} // namespace burin::names
