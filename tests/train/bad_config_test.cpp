// SPDX-License-Identifier: Apache-2.0
// What a configuration of a training can get wrong: each message names the
// file, the field, its value and what it may be.
#include "models/train/config.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace burin::train {
namespace {

using nlohmann::json;

struct Row {
  const char* name;
  std::string text;
  std::vector<std::string> parts; // each must be in the message
};

std::ostream& operator<<(std::ostream& stream, const Row& row) {
  return stream << row.name;
}

std::string nameOf(const testing::TestParamInfo<Row>& info) {
  return info.param.name;
}

// The file's text as it stands.
Row text(const char* name, const std::string& content,
         std::vector<std::string> parts) {
  return {name, content, std::move(parts)};
}

// A good configuration but for one field; null leaves it out.
Row field(const char* name, const char* patch, std::vector<std::string> parts) {
  json config = {{"model", "m.burin"},
                 {"data", "shards"},
                 {"output", "run"},
                 {"steps", 10},
                 {"size", 64}};
  config.merge_patch(json::parse(patch));
  return {name, config.dump(), std::move(parts)};
}

class BadConfig : public testing::TestWithParam<Row> {};

TEST_P(BadConfig, is_refused_by_name_and_value) {
  Result<TrainConfig> config = parseTrainConfig(GetParam().text, "train.json");
  ASSERT_FALSE(config.ok());
  const std::string& message = config.status().message();
  EXPECT_NE(message.find("train.json"), std::string::npos) << message;
  for (const std::string& part : GetParam().parts)
    EXPECT_NE(message.find(part), std::string::npos)
        << "no '" << part << "' in: " << message;
}

INSTANTIATE_TEST_SUITE_P(
    File, BadConfig,
    testing::Values(
        text("empty", "", {"line 1"}),
        text("no_json", "{\n  \"steps\": 10\n  \"batch\": 2\n}",
             {"line 3", "JSON"}),
        text("cut", R"({"model": "m.burin", "steps": 1)", {"line 1"}),
        text("no_object", "[1, 2]", {"[1,2]", "object"}),
        text("too_deep", std::string(5000, '[') + std::string(5000, ']'),
             {"deep"}),
        text("field_twice", R"({"adamw": {"beta1": 0.9, "beta1": 0.8}})",
             {"'adamw.beta1'", "twice"}),
        text("number_too_large", R"({"steps": 1e999})", {"line 1"})),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Fields, BadConfig,
    testing::Values(
        field("unknown", R"({"learning_rat": 1})",
              {"'learning_rat'", "learning_rate"}),
        field("unknown_inside", R"({"adamw": {"beta": 0.9}})",
              {"'adamw.beta'", "beta1, beta2"}),
        field("no_model", R"({"model": null})", {"'model'", "missing"}),
        field("no_data", R"({"data": null})", {"'data'", "missing"}),
        field("no_output", R"({"output": null})", {"'output'", "missing"}),
        field("no_steps", R"({"steps": null})", {"'steps'", "missing"}),
        field("model_number", R"({"model": 7})", {"'model'", "7", "text"}),
        field("data_empty", R"({"data": ""})", {"'data'", "\"\"", "text"}),
        field("steps_zero", R"({"steps": 0})", {"'steps'", "0", "from 1"}),
        field("steps_text", R"({"steps": "many"})", {"'steps'", "\"many\""}),
        field("steps_fraction", R"({"steps": 10.5})", {"'steps'", "10.5"}),
        field("steps_enormous", R"({"steps": 1e30})", {"'steps'", "1e+30"}),
        field("batch_negative", R"({"batch": -4})", {"'batch'", "-4"}),
        field("batch_enormous", R"({"batch": 100000})", {"'batch'", "65536"}),
        field("accumulate_zero", R"({"accumulate": 0})",
              {"'accumulate'", "0", "from 1"}),
        field("accumulate_uneven", R"({"batch": 8, "accumulate": 3})",
              {"'accumulate'", "3", "'batch'", "8"}),
        field("size_tiny", R"({"size": 4})", {"'size'", "4", "from 8"}),
        field("seed_negative", R"({"seed": -1})", {"'seed'", "-1"}),
        field("threads_list", R"({"threads": [2]})", {"'threads'", "[2]"}),
        field("budget_negative", R"({"memory_budget": -1})",
              {"'memory_budget'", "-1"}),
        field("budget_tiny", R"({"memory_budget": 1e-6})",
              {"'memory_budget'", "less than one MiB"}),
        field("device", R"({"device": "toaster"})",
              {"'device'", "toaster", "cuda:N"}),
        field("precision", R"({"precision": "f8"})",
              {"'precision'", "f8", "bf16"}),
        field("precision_of_cards", R"({"precision": "f16"})",
              {"'precision'", "f16", "bf16"}),
        field("rate_number", R"({"learning_rate": 0.1})",
              {"'learning_rate'", "0.1", "object"}),
        field("rate_negative", R"({"learning_rate": {"peak": -1e-4}})",
              {"'learning_rate.peak'", "-0.0001"}),
        field("rate_zero", R"({"learning_rate": {"peak": 0}})",
              {"'learning_rate.peak'", "0"}),
        field("rate_shape", R"({"learning_rate": {"schedule": "step"}})",
              {"'learning_rate.schedule'", "step", "cosine"}),
        field("warmup_too_long", R"({"learning_rate": {"warmup": 10}})",
              {"'learning_rate.warmup'", "10"}),
        field("last_above_peak",
              R"({"learning_rate": {"peak": 1e-4, "last": 1e-3}})",
              {"'learning_rate.last'", "0.001", "0.0001"}),
        field("beta_one", R"({"adamw": {"beta2": 1}})", {"'adamw.beta2'", "1"}),
        field("epsilon_zero", R"({"adamw": {"epsilon": 0}})",
              {"'adamw.epsilon'", "0"}),
        field("decay_bool", R"({"adamw": {"weight_decay": true}})",
              {"'adamw.weight_decay'", "true"}),
        field("norm_negative", R"({"max_gradient_norm": -1})",
              {"'max_gradient_norm'", "-1"}),
        field("average_above_one", R"({"average_decay": 1.5})",
              {"'average_decay'", "1.5"}),
        field("dropout_sum", R"({"dropout": {"text": 0.7, "both": 0.5}})",
              {"'dropout'", "1.25", "at most 1"}),
        field("dropout_above_one", R"({"dropout": {"picture": 2}})",
              {"'dropout.picture'", "2"}),
        field("adapter_number", R"({"adapter": 4})",
              {"'adapter'", "4", "object"}),
        field("adapter_without_rank", R"({"adapter": {"alpha": 4}})",
              {"'adapter.rank'", "missing"}),
        field("rank_zero", R"({"adapter": {"rank": 0}})",
              {"'adapter.rank'", "0", "from 1"}),
        field("rank_one_on_cards",
              R"({"device": "cuda", "adapter": {"rank": 1}})",
              {"'adapter.rank'", "1", "at least 2"}),
        field("alpha_negative", R"({"adapter": {"rank": 4, "alpha": -1}})",
              {"'adapter.alpha'", "-1"}),
        field("targets_text", R"({"adapter": {"rank": 4, "targets": "to_q"}})",
              {"'adapter.targets'", "\"to_q\"", "list"}),
        field("targets_none", R"({"adapter": {"rank": 4, "targets": []}})",
              {"'adapter.targets'", "[]", "list"}),
        field("targets_mixed",
              R"({"adapter": {"rank": 4, "targets": ["to_q", 1]}})",
              {"'adapter.targets'", "[\"to_q\",1]", "list"}),
        field("adapter_layout",
              R"({"adapter": {"rank": 4, "layout": "safetensors"}})",
              {"'adapter.layout'", "safetensors", "kohya"}),
        field("adapter_unknown", R"({"adapter": {"rank": 4, "r": 4}})",
              {"'adapter.r'", "rank, alpha, targets, layout"}),
        field("checkpoint_never", R"({"checkpoint": {"every": 0}})",
              {"'checkpoint.every'", "0"}),
        field("keep_none", R"({"checkpoint": {"keep": 0}})",
              {"'checkpoint.keep'", "0"}),
        field("log_never", R"({"log_every": 0})", {"'log_every'", "0"}),
        field("samples_too_many", R"({"samples": {"count": 1000}})",
              {"'samples.count'", "1000"}),
        field("samples_text", R"({"samples": "yes"})",
              {"'samples'", "\"yes\"", "object"})),
    nameOf);

} // namespace
} // namespace burin::train
