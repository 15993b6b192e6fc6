// SPDX-License-Identifier: Apache-2.0
// A causal pre-norm transformer over tokens with learned positions.
#include "models/graph/text/clip.h"

#include "models/graph/common/config.h"

namespace burin::models {

namespace {

// Configurations of the first CLIP models say 2 where they mean the largest
// id of the vocabulary; users of them find the end as the largest id.
constexpr int64_t kLegacyEndToken = 2;

Value embedTokens(GraphBuilder& b, const ClipTextConfig& config, Value ids) {
  auto scope = b.scope("embeddings");
  Value table =
      b.parameter("token_embedding.weight", {config.vocabulary, config.width});
  Value positions = b.parameter("position_embedding.weight",
                                {config.positions, config.width});
  Value x = b.cast(b.embedding(table, ids), b.activation());
  return b.add(x, b.slice(positions, 0, 0, extent(ids, 1)));
}

Value encoderLayer(GraphBuilder& b, std::string_view name, Value x,
                   const ClipTextConfig& config) {
  auto scope = b.scope(name);
  AttentionOptions options;
  options.heads = config.heads;
  options.causal = true;
  options.bias = true;
  options.names = {"q_proj", "k_proj", "v_proj", "out_proj"};
  Value n = layerNorm(b, "layer_norm1", x, config.eps);
  x = b.add(attentionLayer(b, "self_attn", n, n, options), x);
  n = layerNorm(b, "layer_norm2", x, config.eps);
  Value h = linear(b, "mlp.fc1", n, config.inner);
  h = linear(b, "mlp.fc2", b.unary(config.activation, h), config.width);
  return b.add(h, x);
}

// The position of the end token in each row: with e = min(|id - end|, 1) the
// first largest -e is the first id equal to the end, or 0 where none is. Ids
// are exact in float32.
Value endPosition(GraphBuilder& b, const ClipTextConfig& config, Value ids) {
  Value value = b.cast(ids, b.f32());
  if (config.endToken == kLegacyEndToken)
    return b.argmax(value);
  Value end = b.constant(static_cast<double>(config.endToken), b.f32());
  Value distance = b.unary("abs", b.sub(value, end));
  Value differs = b.binary("min", distance, b.constant(1, b.f32()));
  return b.argmax(b.unary("neg", differs));
}

} // namespace

Result<ClipTextConfig> readClipTextConfig(const nlohmann::json& json) {
  Config c("text_encoder.config", json);
  ClipTextConfig config;
  config.vocabulary = c.positive("vocab_size", 49408);
  config.width = c.positive("hidden_size", 512);
  config.inner = c.positive("intermediate_size", 2048);
  config.layers = c.positive("num_hidden_layers", 12);
  config.heads = c.positive("num_attention_heads", 8);
  config.positions = c.positive("max_position_embeddings", 77);
  config.endToken = c.integer("eos_token_id", 49407);
  config.eps = c.number("layer_norm_eps", 1e-5);
  auto kind = activationKind(c.text("hidden_act", "quick_gelu"));
  if (!kind)
    c.unsupported("hidden_act", "\"quick_gelu\", \"gelu\", \"gelu_new\", "
                                "\"gelu_pytorch_tanh\" and \"silu\"");
  config.activation = kind.value_or("quick_gelu");
  if (config.width % config.heads != 0)
    c.reject("num_attention_heads", "is " + std::to_string(config.heads) +
                                        ", which does not divide hidden_size " +
                                        std::to_string(config.width));
  c.require({"model_type"}, "clip_text_model");
  // The projection belongs to CLIPTextModelWithProjection; the rest concerns
  // training, tokens before the network, or the writer of the file.
  c.ignore({"projection_dim",
            "attention_dropout",
            "dropout",
            "initializer_factor",
            "initializer_range",
            "bos_token_id",
            "pad_token_id",
            "architectures",
            "torch_dtype",
            "dtype",
            "transformers_version",
            "return_dict",
            "output_hidden_states",
            "output_attentions",
            "use_cache",
            "chunk_size_feed_forward",
            "id2label",
            "label2id",
            "problem_type",
            "is_encoder_decoder"});
  BURIN_TRY(c.finish());
  return config;
}

ClipTextOutput clipText(GraphBuilder& b, const ClipTextConfig& config,
                        Value ids) {
  auto scope = b.scope("text_model");
  Value x = embedTokens(b, config, ids);
  for (int64_t i = 0; i < config.layers; ++i)
    x = encoderLayer(b, "encoder.layers." + std::to_string(i), x, config);
  x = layerNorm(b, "final_layer_norm", x, config.eps);
  return {x, b.selectToken(x, endPosition(b, config, ids))};
}

} // namespace burin::models
