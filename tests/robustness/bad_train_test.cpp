// SPDX-License-Identifier: Apache-2.0
// What a user can get wrong with `burin train`: the file, data, model. Fields:
// tests/train/bad_config_test.cpp.
#include "tests/robustness/bad_input.h"

#include <nlohmann/json.hpp>

#include "formats/dataset/shard.h"

namespace burin {
namespace {

using nlohmann::json;

class BadTrain : public testing::TestWithParam<Row> {};

TEST_P(BadTrain, ends_with_a_message_status_2_and_no_file) {
  expectRefusal(GetParam());
}

// A folder with one shard, to be damaged.
std::string writeData(const Place& p) {
  std::filesystem::create_directory(p / "data");
  ShardData data(3, 32);
  data.texts = {"make it red", "make it blue", "make it green"};
  Status status =
      writeShard(p / "data/0.safetensors", data, {{"kinds", "look"}});
  EXPECT_TRUE(status.ok()) << status.message();
  return p / "data";
}

// A configuration that is good but for `patch`, which is merged into it.
json configOf(const Place& p, const json& patch) {
  json config = {{"model", p.checkpoint()},
                 {"data", writeData(p)},
                 {"output", p / "run"},
                 {"steps", 10},
                 {"size", 64}};
  config.merge_patch(patch);
  return config;
}

Arguments trainWith(const Place& p, const std::string& text) {
  return {"train", p.file("train.json", text)};
}

// The file's text as it stands.
Row text(const char* name, const std::string& content,
         std::vector<std::string> parts) {
  parts.push_back("train.json");
  return {name, [content](const Place& p) { return trainWith(p, content); },
          std::move(parts)};
}

// A good configuration in a place that is not.
Row place(const char* name, std::function<json(const Place&)> spoil,
          std::vector<std::string> parts) {
  return {name,
          [spoil](const Place& p) {
            json config = configOf(p, json::object());
            config.merge_patch(spoil(p));
            return trainWith(p, config.dump());
          },
          std::move(parts)};
}

INSTANTIATE_TEST_SUITE_P(
    File, BadTrain,
    testing::Values(
        Row{"none",
            [](const Place&) { return Arguments{"train"}; },
            {"configuration", "--example"}},
        Row{"missing",
            [](const Place& p) {
              return Arguments{"train", p / "none.json"};
            },
            {"none.json", "no such file"}},
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
    Model, BadTrain,
    testing::Values(place("missing",
                          [](const Place& p) {
                            return json{{"model", p / "none.burin"}};
                          },
                          {"none.burin", "no such file"}),
                    place("of_another_kind",
                          [](const Place& p) {
                            return json{{"model", p / "data/0.safetensors"}};
                          },
                          {"0.safetensors", "burin convert"}),
                    place("cut",
                          [](const Place& p) {
                            std::string text = readText(p / "m.burin");
                            p.file("m.burin", text.substr(0, text.size() / 2));
                            return json::object();
                          },
                          {"m.burin"}),
                    place("that_does_not_edit",
                          [](const Place& p) {
                            std::string text = readText(p / "m.burin");
                            const std::string from = "instruct_pix2pix";
                            text.replace(text.find(from), from.size(),
                                         "stable_diffusion");
                            p.file("m.burin", text);
                            return json::object();
                          },
                          {"stable_diffusion"}),
                    place("of_another_stride",
                          [](const Place&) {
                            return json{{"size", 72}};
                          },
                          {"train.json: 'size'", "72", "m.burin", "64"}),
                    place("would_be_replaced",
                          [](const Place& p) {
                            std::filesystem::create_directory(p / "run");
                            std::filesystem::copy(p / "m.burin",
                                                  p / "run/model.burin");
                            return json{{"model", p / "run/model.burin"}};
                          },
                          {"model.burin", "'output'"}),
                    place("card_not_there",
                          [](const Place&) {
                            return json{{"device", "cuda:99"}};
                          },
                          {"cuda"})),
    nameOf);

// Of a data folder whose shard is replaced. The output folder is there before,
// as for a training that goes on.
Row data(const char* name, std::function<void(const std::string& shard)> spoil,
         std::vector<std::string> parts) {
  return place(
      name,
      [spoil](const Place& p) {
        std::filesystem::create_directory(p / "run");
        spoil(p / "data/0.safetensors");
        return json::object();
      },
      std::move(parts));
}

INSTANTIATE_TEST_SUITE_P(
    Data, BadTrain,
    testing::Values(
        place("folder_missing",
              [](const Place& p) {
                return json{{"data", p / "none"}};
              },
              {"none", "burin data"}),
        data("folder_empty",
             [](const std::string& shard) { std::filesystem::remove(shard); },
             {"/data", "no shard", "burin data"}),
        data("cut",
             [](const std::string& shard) {
               writeText(shard, readText(shard).substr(0, 2000));
             },
             {"0.safetensors", "truncated"}),
        data("no_shard",
             [](const std::string& shard) {
               writeText(shard, safetensors("{}", 0));
             },
             {"0.safetensors", "no tensor 'source'", "burin data"}),
        data("no_examples",
             [](const std::string& shard) {
               Status status =
                   writeShard(shard, ShardData(0, 32), {{"kinds", "look"}});
               EXPECT_TRUE(status.ok());
             },
             {"0.safetensors", "no examples"}),
        place("cache_is_data",
              [](const Place& p) {
                std::filesystem::create_directory(p / "run");
                return json{{"cache", p / "data"}};
              },
              {"/data", "'cache'"}),
        place("samples_missing",
              [](const Place& p) {
                return json{{"samples", {{"every", 5}, {"data", p / "none"}}}};
              },
              {"none", "burin data"}),
        place("samples_cut",
              [](const Place& p) {
                std::filesystem::create_directory(p / "held");
                p.file("held/0.safetensors", "short");
                return json{{"samples", {{"every", 5}, {"data", p / "held"}}}};
              },
              {"held/0.safetensors"}),
        place("output_is_a_file",
              [](const Place& p) {
                return json{{"output", p.file("out.txt", "mine")}};
              },
              {"'output'", "out.txt"}),
        place("cache_is_a_file",
              [](const Place& p) {
                std::filesystem::create_directory(p / "run");
                return json{{"cache", p.file("out.txt", "mine")}};
              },
              {"out.txt"})),
    nameOf);

} // namespace
} // namespace burin
