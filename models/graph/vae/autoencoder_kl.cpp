// SPDX-License-Identifier: Apache-2.0
// Encoder and decoder of convolutions with one attention at the bottom.
#include "models/graph/vae/autoencoder_kl.h"

#include "models/graph/common/config.h"

namespace burin::models {

namespace {

constexpr double kEps = 1e-6; // of every norm, fixed in diffusers

ResnetOptions resnetOptions(const AutoencoderConfig& config, int64_t channels) {
  return {channels, config.norm, config.activation};
}

std::string numbered(std::string_view list, size_t i) {
  return std::string(list) + "." + std::to_string(i);
}

// One head over all channels.
Value pixelAttention(GraphBuilder& b, std::string_view name, Value x,
                     const Norm& norm) {
  auto scope = b.scope(name);
  Value h = flattenPixels(b, groupNorm(b, "group_norm", x, norm));
  AttentionOptions options;
  options.bias = true;
  h = attentionLayer(b, "", h, h, options);
  return b.add(unflattenPixels(b, h, x), x);
}

Value middleBlock(GraphBuilder& b, Value x, const AutoencoderConfig& config) {
  auto scope = b.scope("mid_block");
  ResnetOptions resnet = resnetOptions(config, extent(x, -1));
  x = resnetBlock(b, "resnets.0", x, nullptr, resnet);
  if (config.middleAttention)
    x = pixelAttention(b, "attentions.0", x, config.norm);
  return resnetBlock(b, "resnets.1", x, nullptr, resnet);
}

// The last norm is followed by SiLU whatever act_fn is.
Value outputLayer(GraphBuilder& b, Value x, const AutoencoderConfig& config,
                  int64_t channels) {
  Value h = b.silu(groupNorm(b, "conv_norm_out", x, config.norm));
  return conv2d(b, "conv_out", h, channels);
}

// One block a level, all of type `only`.
void requireBlocks(Config& c, std::string_view key, const std::string& only,
                   const AutoencoderConfig& config) {
  std::vector<std::string> types = c.texts(key, {only});
  if (types.size() != config.channels.size())
    c.unsupported(key, "one block for each of the " +
                           std::to_string(config.channels.size()) +
                           " in block_out_channels");
  c.require({key}, only);
}

void checkChannels(Config& c, const AutoencoderConfig& config) {
  for (int64_t channels : config.channels)
    if (channels % config.norm.groups != 0)
      c.reject("block_out_channels",
               "has " + std::to_string(channels) +
                   ", not a multiple of norm_num_groups " +
                   std::to_string(config.norm.groups));
}

} // namespace

Result<AutoencoderConfig> readAutoencoderConfig(const nlohmann::json& json) {
  Config c("vae.config", json);
  AutoencoderConfig config;
  config.imageChannels = c.positive("in_channels", 3);
  config.outChannels = c.positive("out_channels", 3);
  config.latentChannels = c.positive("latent_channels", 4);
  config.channels = c.positives("block_out_channels", {64});
  config.resnets = c.positive("layers_per_block", 1);
  config.norm = {c.positive("norm_num_groups", 32), kEps};
  config.quantConv = c.boolean("use_quant_conv", true);
  config.postQuantConv = c.boolean("use_post_quant_conv", true);
  config.middleAttention = c.boolean("mid_block_add_attention", true);
  auto kind = activationKind(c.text("act_fn", "silu"));
  if (!kind)
    c.unsupported("act_fn", "\"silu\", \"swish\" and \"gelu\"");
  config.activation = kind.value_or("silu");
  requireBlocks(c, "down_block_types", "DownEncoderBlock2D", config);
  requireBlocks(c, "up_block_types", "UpDecoderBlock2D", config);
  // The pipeline scales and shifts latents; the network does not.
  config.scaling = c.number("scaling_factor", 0.18215);
  if (!(config.scaling > 0))
    c.reject("scaling_factor", "is not above 0");
  c.ignore({"sample_size", "shift_factor", "latents_mean", "latents_std",
            "force_upcast"});
  checkChannels(c, config);
  BURIN_TRY(c.finish());
  return config;
}

Value autoencoderEncode(GraphBuilder& b, const AutoencoderConfig& config,
                        Value image) {
  Value moments;
  {
    auto scope = b.scope("encoder");
    Value x = conv2d(b, "conv_in", image, config.channels.front());
    for (size_t i = 0; i < config.channels.size(); ++i) {
      auto block = b.scope(numbered("down_blocks", i));
      for (int64_t j = 0; j < config.resnets; ++j)
        x = resnetBlock(b, numbered("resnets", j), x, nullptr,
                        resnetOptions(config, config.channels[i]));
      if (i + 1 < config.channels.size())
        x = downsample(b, "downsamplers.0.conv", x, 0);
    }
    x = middleBlock(b, x, config);
    moments = outputLayer(b, x, config, 2 * config.latentChannels);
  }
  if (!config.quantConv)
    return moments;
  return conv2d(b, "quant_conv", moments, extent(moments, -1), kPointwise);
}

Value autoencoderDecode(GraphBuilder& b, const AutoencoderConfig& config,
                        Value latent) {
  if (config.postQuantConv)
    latent =
        conv2d(b, "post_quant_conv", latent, extent(latent, -1), kPointwise);
  auto scope = b.scope("decoder");
  Value x = conv2d(b, "conv_in", latent, config.channels.back());
  x = middleBlock(b, x, config);
  for (size_t i = 0; i < config.channels.size(); ++i) {
    auto block = b.scope(numbered("up_blocks", i));
    int64_t channels = config.channels[config.channels.size() - 1 - i];
    for (int64_t j = 0; j <= config.resnets; ++j)
      x = resnetBlock(b, numbered("resnets", j), x, nullptr,
                      resnetOptions(config, channels));
    if (i + 1 < config.channels.size())
      x = upsample(b, "upsamplers.0.conv", x);
  }
  return outputLayer(b, x, config, config.outChannels);
}

} // namespace burin::models
