// SPDX-License-Identifier: Apache-2.0
// The UNet as blocks of resnets, transformers and resampling with skips.
#include "models/graph/diffusion/unet.h"

namespace burin::models {

namespace {

std::string numbered(std::string_view list, int64_t i) {
  return std::string(list) + "." + std::to_string(i);
}

// Resnet i of a block and the transformer that follows it, if any.
Value unetLayer(GraphBuilder& b, int64_t i, Value x, const UNetContext& context,
                const UNetLevel& level) {
  ResnetOptions resnet = {level.channels, context.norm, context.activation};
  x = resnetBlock(b, numbered("resnets", i), x, context.time, resnet);
  if (level.transformer)
    x = spatialTransformer(b, numbered("attentions", i), x, context.text,
                           *level.transformer);
  return x;
}

// linear_2(act(linear_1(sinusoid))), activated once for all resnets.
Value embedTime(GraphBuilder& b, const UNetConfig& config, Value timestep) {
  auto scope = b.scope("time_embedding");
  TimestepOptions sinusoid;
  sinusoid.width = config.down.front().channels;
  sinusoid.flipSinToCos = config.flipSinToCos;
  sinusoid.shift = config.timeShift;
  Value h = b.cast(b.timestepEmbedding(timestep, sinusoid), b.activation());
  h = b.unary(config.activation, linear(b, "linear_1", h, config.timeWidth));
  h = linear(b, "linear_2", h, config.timeWidth);
  h = b.unary(config.activation, h);
  return b.reshape(h, {extent(h, 0), 1, 1, config.timeWidth});
}

ConvOptions keepingExtent(int64_t kernel) {
  int64_t pad = kernel / 2;
  return {kernel, 1, {pad, pad, pad, pad}};
}

} // namespace

Value unetDownBlock(GraphBuilder& b, std::string_view name, Value x,
                    const UNetContext& context, const UNetLevel& level,
                    std::vector<Value>& skips) {
  auto scope = b.scope(name);
  for (int64_t i = 0; i < level.resnets; ++i) {
    x = unetLayer(b, i, x, context, level);
    skips.push_back(x);
  }
  if (level.resample) {
    x = downsample(b, "downsamplers.0.conv", x, context.downsamplePadding);
    skips.push_back(x);
  }
  return x;
}

Value unetMiddleBlock(GraphBuilder& b, std::string_view name, Value x,
                      const UNetContext& context, const UNetLevel& level) {
  auto scope = b.scope(name);
  x = unetLayer(b, 0, x, context, level);
  ResnetOptions resnet = {level.channels, context.norm, context.activation};
  return resnetBlock(b, "resnets.1", x, context.time, resnet);
}

Value unetUpBlock(GraphBuilder& b, std::string_view name, Value x,
                  const UNetContext& context, const UNetLevel& level,
                  std::vector<Value>& skips) {
  auto scope = b.scope(name);
  for (int64_t i = 0; i < level.resnets; ++i) {
    x = b.concat({x, skips.back()}, -1);
    skips.pop_back();
    x = unetLayer(b, i, x, context, level);
  }
  return level.resample ? upsample(b, "upsamplers.0.conv", x) : x;
}

Value unet(GraphBuilder& b, const UNetConfig& config, Value sample,
           Value timestep, Value text) {
  UNetContext context;
  context.time = embedTime(b, config, timestep);
  context.text = text;
  context.norm = config.norm;
  context.activation = config.activation;
  context.downsamplePadding = config.downsamplePadding;

  if (config.centerInput) {
    Value two = b.constant(2, b.activation());
    sample = b.sub(b.mul(sample, two), b.constant(1, b.activation()));
  }
  Value x = conv2d(b, "conv_in", sample, config.down.front().channels,
                   keepingExtent(config.inKernel));
  std::vector<Value> skips = {x};
  for (size_t i = 0; i < config.down.size(); ++i)
    x = unetDownBlock(b, numbered("down_blocks", i), x, context, config.down[i],
                      skips);
  x = unetMiddleBlock(b, "mid_block", x, context, config.middle);
  for (size_t i = 0; i < config.up.size(); ++i)
    x = unetUpBlock(b, numbered("up_blocks", i), x, context, config.up[i],
                    skips);
  x = b.unary(config.activation, groupNorm(b, "conv_norm_out", x, config.norm));
  return conv2d(b, "conv_out", x, config.outChannels,
                keepingExtent(config.outKernel));
}

} // namespace burin::models
