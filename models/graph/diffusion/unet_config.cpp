// SPDX-License-Identifier: Apache-2.0
// Reads diffusers' UNet2DConditionModel configuration, key by key.
#include "models/graph/diffusion/unet_config.h"

#include "models/graph/common/config.h"

#include <algorithm>

namespace burin::models {

namespace {

// What each key may be beyond the ones read; all of them change the network.
void requireDefaults(Config& c) {
  c.require({"dual_cross_attention", "only_cross_attention",
             "mid_block_only_cross_attention", "class_embeddings_concat",
             "resnet_skip_time_act"},
            false);
  c.require({"reverse_transformer_layers_per_block", "encoder_hid_dim",
             "encoder_hid_dim_type", "class_embed_type", "addition_embed_type",
             "addition_time_embed_dim", "num_class_embeds",
             "time_embedding_act_fn", "timestep_post_act", "time_cond_proj_dim",
             "projection_class_embeddings_input_dim", "cross_attention_norm"},
            nullptr);
  c.require({"resnet_time_scale_shift", "attention_type"}, "default");
  c.require({"time_embedding_type"}, "positional");
  c.require({"mid_block_type"}, "UNetMidBlock2DCrossAttn");
  c.require({"mid_block_scale_factor", "resnet_out_scale_factor"}, 1);
  // Training only, or where files and pictures come from. Scores of the
  // attention are float32 whether or not upcast_attention asks for it.
  c.ignore({"dropout", "sample_size", "upcast_attention",
            "addition_embed_type_num_heads"});
}

// Block types as "has attention", in the order of the list.
std::vector<bool> readBlocks(Config& c, std::string_view key,
                             const std::string& plain,
                             const std::string& crossing,
                             std::vector<std::string> fallback) {
  std::vector<bool> attention;
  for (const std::string& type : c.texts(key, std::move(fallback))) {
    if (type != plain && type != crossing)
      c.unsupported(key, "'" + plain + "' and '" + crossing + "'");
    attention.push_back(type == crossing);
  }
  return attention;
}

// The count of heads of each level. The public key is named for the width of
// a head but has always held the number of heads.
std::vector<int64_t> readHeads(Config& c, size_t levels) {
  std::vector<int64_t> heads = c.perLevel("attention_head_dim", levels, 8);
  if (c.has("num_attention_heads"))
    return c.perLevel("num_attention_heads", levels, 8);
  c.ignore({"num_attention_heads"});
  return heads;
}

// Every level attends to one context.
int64_t readContextWidth(Config& c, size_t levels) {
  std::vector<int64_t> widths = c.perLevel("cross_attention_dim", levels, 1280);
  if (std::any_of(widths.begin(), widths.end(),
                  [&](int64_t width) { return width != widths[0]; }))
    c.unsupported("cross_attention_dim", "the same width at every level");
  return widths[0];
}

// Kernels are square and keep the extent, so their size is odd.
int64_t readKernel(Config& c, std::string_view key) {
  int64_t kernel = c.positive(key, 3);
  if (kernel % 2 == 0 || kernel > 15)
    c.unsupported(key, "odd sizes up to 15");
  return kernel;
}

void readActivation(Config& c, UNetConfig& config) {
  auto kind = activationKind(c.text("act_fn", "silu"));
  if (!kind)
    c.unsupported("act_fn", "\"silu\", \"swish\" and \"gelu\"");
  config.activation = kind.value_or("silu");
}

// Fills down, middle and up from the per-level lists.
void readLevels(Config& c, UNetConfig& config) {
  std::vector<int64_t> channels =
      c.positives("block_out_channels", {320, 640, 1280, 1280});
  size_t levels = channels.size();
  std::vector<bool> down =
      readBlocks(c, "down_block_types", "DownBlock2D", "CrossAttnDownBlock2D",
                 {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                  "CrossAttnDownBlock2D", "DownBlock2D"});
  std::vector<bool> up =
      readBlocks(c, "up_block_types", "UpBlock2D", "CrossAttnUpBlock2D",
                 {"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                  "CrossAttnUpBlock2D"});
  if (down.size() != levels || up.size() != levels) {
    c.reject("block_out_channels",
             "has " + std::to_string(levels) + " levels, down_block_types " +
                 std::to_string(down.size()) + " and up_block_types " +
                 std::to_string(up.size()) + "; the three must agree");
    return;
  }
  std::vector<int64_t> resnets = c.perLevel("layers_per_block", levels, 2);
  std::vector<int64_t> heads = readHeads(c, levels);
  std::vector<int64_t> depth =
      c.perLevel("transformer_layers_per_block", levels, 1);
  bool linearProjection = c.boolean("use_linear_projection", false);
  config.contextWidth = readContextWidth(c, levels);

  auto level = [&](size_t i, int64_t extra, bool attention, bool last) {
    UNetLevel level{channels[i], resnets[i] + extra, std::nullopt, !last};
    if (channels[i] % config.norm.groups != 0)
      c.reject("block_out_channels",
               "has " + std::to_string(channels[i]) +
                   ", not a multiple of norm_num_groups " +
                   std::to_string(config.norm.groups));
    if (!attention)
      return level;
    if (channels[i] % heads[i] != 0)
      c.reject("attention_head_dim", "asks for " + std::to_string(heads[i]) +
                                         " heads over " +
                                         std::to_string(channels[i]) +
                                         " channels, which they do not divide");
    level.transformer = {heads[i], depth[i], config.norm.groups,
                         linearProjection};
    return level;
  };
  for (size_t i = 0; i < levels; ++i)
    config.down.push_back(level(i, 0, down[i], i + 1 == levels));
  config.middle = level(levels - 1, 0, true, true);
  for (size_t i = 0; i < levels; ++i)
    config.up.push_back(level(levels - 1 - i, 1, up[i], i + 1 == levels));
}

// A sinusoid as wide as the first level, then two linear layers.
void readTime(Config& c, UNetConfig& config) {
  int64_t sinusoid = config.down.front().channels;
  config.flipSinToCos = c.boolean("flip_sin_to_cos", true);
  config.timeShift = c.number("freq_shift", 0);
  if (sinusoid % 2 != 0)
    c.unsupported("block_out_channels", "an even number of channels first");
  if (config.timeShift >= static_cast<double>(sinusoid) / 2)
    c.unsupported("freq_shift", "values below half of block_out_channels[0]");
  config.timeWidth = 4 * sinusoid;
  if (c.has("time_embedding_dim"))
    config.timeWidth = c.positive("time_embedding_dim", config.timeWidth);
  c.ignore({"time_embedding_dim"});
}

} // namespace

Result<UNetConfig> readUNetConfig(const nlohmann::json& json) {
  Config c("unet.config", json);
  UNetConfig config;
  config.inChannels = c.positive("in_channels", 4);
  config.outChannels = c.positive("out_channels", 4);
  config.centerInput = c.boolean("center_input_sample", false);
  config.inKernel = readKernel(c, "conv_in_kernel");
  config.outKernel = readKernel(c, "conv_out_kernel");
  config.downsamplePadding = c.integer("downsample_padding", 1);
  if (config.downsamplePadding != 0 && config.downsamplePadding != 1)
    c.unsupported("downsample_padding", "0 and 1");
  readActivation(c, config);
  config.norm = {c.positive("norm_num_groups", 32), c.number("norm_eps", 1e-5)};
  readLevels(c, config);
  if (config.down.empty())
    return c.finish();
  readTime(c, config);
  requireDefaults(c);
  BURIN_TRY(c.finish());
  return config;
}

} // namespace burin::models
