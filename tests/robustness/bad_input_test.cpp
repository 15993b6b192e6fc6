// SPDX-License-Identifier: Apache-2.0
// What a user can get wrong, one row each: the command must end with a message
// that names the thing, exit status 2, and leave no file behind.
#include "tests/robustness/bad_input.h"

#include <unistd.h>

namespace burin {
namespace {

namespace fs = std::filesystem;

const std::string kUnet = "unet/diffusion_pytorch_model.safetensors";
const std::string kEntry = R"({"dtype":"F32","shape":[1],"data_offsets":)";

class BadInput : public testing::TestWithParam<Row> {};

TEST_P(BadInput, ends_with_a_message_status_2_and_no_file) {
  expectRefusal(GetParam());
}

// `burin convert` of a source that is made for the row.
Row convert(const char* name, std::function<std::string(const Place&)> source,
            std::vector<std::string> parts, Arguments flags = {}) {
  return {name,
          [source, flags](const Place& place) {
            Arguments arguments = {"convert", source(place), "-o", place.out};
            arguments.insert(arguments.end(), flags.begin(), flags.end());
            return arguments;
          },
          std::move(parts)};
}

// ... whose UNet's weights are these bytes.
Row weights(const char* name, const std::string& bytes,
            std::vector<std::string> parts) {
  parts.push_back(kUnet);
  return convert(
      name, [bytes](const Place& p) { return p.pipelineWith(kUnet, bytes); },
      std::move(parts));
}

Row inspect(const char* name, std::function<std::string(const Place&)> file,
            std::vector<std::string> parts) {
  return {name,
          [file](const Place& p) {
            return Arguments{"inspect", file(p)};
          },
          std::move(parts)};
}

INSTANTIATE_TEST_SUITE_P(
    Safetensors, BadInput,
    testing::Values(
        weights("empty", "", {"8 bytes"}),
        weights("header_beyond_file", number(1000) + "{}",
                {"1000", "truncated"}),
        weights("header_enormous", number(~0ull) + "{}",
                {"18446744073709551615", "at most"}),
        weights("header_no_json", safetensors("hello", 0), {"JSON"}),
        weights("header_too_deep", safetensors(std::string(90000, '['), 0),
                {"not an object"}),
        weights("overlap",
                safetensors("{\"a\":" + kEntry + "[0,4]},\"b\":" + kEntry +
                                "[0,4]}}",
                            4),
                {"'b'", "overlap"}),
        weights("hole", safetensors("{\"a\":" + kEntry + "[4,8]}}", 8),
                {"'a'", "hole"}),
        weights("trailing_bytes",
                safetensors("{\"a\":" + kEntry + "[0,4]}}", 9),
                {"5 bytes", "belong to none"}),
        weights("tensor_beyond_file",
                safetensors("{\"a\":" + kEntry + "[0,4]}}", 2),
                {"'a'", "truncated"}),
        weights("name_twice",
                safetensors("{\"a\":" + kEntry + "[0,4]},\"a\":" + kEntry +
                                "[0,4]}}",
                            4),
                {"'a'", "twice"}),
        weights("shape_overflow",
                safetensors(R"({"a":{"dtype":"F32","shape":[4294967296,)"
                            R"(4294967296],"data_offsets":[0,4]}})",
                            4),
                {"'a'", "4294967296"}),
        weights("shape_lies",
                safetensors(R"({"a":{"dtype":"F32","shape":[2],)"
                            R"("data_offsets":[0,4]}})",
                            4),
                {"'a'", "8 bytes"}),
        weights("unknown_type",
                safetensors(R"({"a":{"dtype":"F8_E5M2","shape":[4],)"
                            R"("data_offsets":[0,4]}})",
                            4),
                {"'a'", "F8_E5M2"})),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Convert, BadInput,
    testing::Values(
        convert("no_source", [](const Place& p) { return p / "none"; },
                {"none", "does not exist"}),
        convert("no_pipeline",
                [](const Place& p) {
                  fs::create_directory(p / "empty");
                  return p / "empty";
                },
                {"empty", "model_index.json"}),
        convert("index_no_json",
                [](const Place& p) {
                  return p.pipelineWith("model_index.json", "hello");
                },
                {"model_index.json", "JSON"}),
        convert("other_pipeline",
                [](const Place& p) {
                  return p.pipelineWith("model_index.json",
                                        R"({"_class_name":"FluxPipeline"})");
                },
                {"FluxPipeline", "StableDiffusionInstructPix2PixPipeline"}),
        convert("other_component",
                [](const Place& p) {
                  return p.pipelineEdited("model_index.json", "AutoencoderKL",
                                          "AutoencoderTiny");
                },
                {"vae", "AutoencoderTiny"}),
        convert("no_config",
                [](const Place& p) {
                  return p.pipelineWithout("vae/config.json");
                },
                {"vae/config.json", "no such file"}),
        convert("config_too_deep",
                [](const Place& p) {
                  return p.pipelineWith("vae/config.json",
                                        "{\"a\":" + std::string(90000, '['));
                },
                {"vae/config.json", "JSON"}),
        convert("negative_width",
                [](const Place& p) {
                  return p.pipelineEdited("unet/config.json",
                                          "\"in_channels\": 8",
                                          "\"in_channels\": -8");
                },
                {"unet", "in_channels", "-8"}),
        convert("unknown_part",
                [](const Place& p) {
                  return p.pipelineEdited(
                      "unet/config.json", "\"addition_embed_type\": null",
                      "\"addition_embed_type\": \"text_time\"");
                },
                {"unet", "addition_embed_type", "text_time"}),
        convert("tensors_missing",
                [](const Place& p) {
                  return p.pipelineEdited("unet/config.json",
                                          "\"layers_per_block\": 2",
                                          "\"layers_per_block\": 3");
                },
                {"missing", "unet.down_blocks.0.resnets.2"}),
        convert("tensors_unknown",
                [](const Place& p) {
                  return p.pipelineEdited("text_encoder/config.json",
                                          "\"num_hidden_layers\": 2",
                                          "\"num_hidden_layers\": 1");
                },
                {"unknown", "text_encoder.encoder.layers.1"}),
        convert("tensors_of_another_shape",
                [](const Place& p) {
                  return p.pipelineEdited("unet/config.json",
                                          "\"in_channels\": 8",
                                          "\"in_channels\": 4");
                },
                {"unet.conv_in.weight", "[4,8,3,3]", "[4,4,3,3]"}),
        convert("no_weights",
                [](const Place& p) { return p.pipelineWithout(kUnet); },
                {"unet", "diffusion_pytorch_model.safetensors"}),
        convert("pickled_weights",
                [](const Place& p) {
                  std::string path = p.pipelineWithout(kUnet);
                  writeText(path + "/unet/diffusion_pytorch_model.bin", "x");
                  return path;
                },
                {"pickle", "safe_serialization"}),
        convert("shard_missing",
                [](const Place& p) {
                  std::string path = p.pipelineWithout(kUnet);
                  writeText(path + "/" + kUnet + ".index.json",
                            R"({"weight_map":{"a":"other.safetensors"}})");
                  return path;
                },
                {"other.safetensors", "no such file"}),
        convert("shard_elsewhere",
                [](const Place& p) {
                  std::string path = p.pipelineWithout(kUnet);
                  writeText(path + "/" + kUnet + ".index.json",
                            R"({"weight_map":{"a":"../../x"}})");
                  return path;
                },
                {"../../x"}),
        convert("tokenizer_no_json",
                [](const Place& p) {
                  return p.pipelineWith("tokenizer/tokenizer.json", "{");
                },
                {"tokenizer.json", "JSON"}),
        convert("tokenizer_without_model",
                [](const Place& p) {
                  return p.pipelineWith("tokenizer/tokenizer.json", "{}");
                },
                {"tokenizer.json", "model.vocab"}),
        convert("tokenizer_without_merges",
                [](const Place& p) {
                  return p.pipelineWith("tokenizer/vocab.json", "{}");
                },
                {"merges.txt", "no such file"}),
        convert("single_file_pickled",
                [](const Place& p) { return p.file("sd.ckpt", "x"); },
                {"sd.ckpt", "pickle"}),
        convert("single_file_of_another_model",
                [](const Place& p) {
                  return p.file("x.safetensors", safetensors("{}", 0));
                },
                {"x.safetensors", "single file"}),
        convert("single_file_without_tokenizer",
                [](const Place&) {
                  return kGolden + "tiny_single.safetensors";
                },
                {"--tokenizer"}),
        convert("unknown_type", [](const Place& p) { return p.pipeline(); },
                {"--dtype", "f8"}, {"--dtype", "f8"}),
        convert("impossible_shard_size",
                [](const Place& p) { return p.pipeline(); },
                {"--shard-size", "2XB"}, {"--shard-size", "2XB"})),
    nameOf);

// Where the result cannot be written. Everything else about them is good.
Row output(const char* name, std::function<std::string(const Place&)> target,
           std::vector<std::string> parts,
           std::optional<uint64_t> fileLimit = {}) {
  return {name,
          [target](const Place& p) {
            return Arguments{"convert", kGolden + "tiny_diffusers", "-o",
                             target(p)};
          },
          std::move(parts), fileLimit};
}

// The superuser may write anywhere but into the kernel's own tree.
std::string forbidden(const Place& place) {
  if (::geteuid() == 0)
    return "/sys/kernel/out.burin";
  fs::create_directory(place / "locked");
  fs::permissions(place / "locked", fs::perms::owner_read);
  return place / "locked/out.burin";
}

INSTANTIATE_TEST_SUITE_P(
    Output, BadInput,
    testing::Values(
        output("folder_missing", [](const Place& p) { return p / "no/out"; },
               {"no/out", "no such file or folder"}),
        output("is_a_folder",
               [](const Place& p) {
                 fs::create_directory(p / "there");
                 return p / "there";
               },
               {"there", "folder"}),
        output("is_a_device", [](const Place&) { return "/dev/full"; },
               {"/dev/full", "device"}),
        output("no_permission", forbidden, {"cannot write", "out.burin"}),
        output(
            "no_space", [](const Place& p) { return p.out; },
            {"cannot write", "out"}, 10000),
        output("empty_name", [](const Place&) { return ""; }, {"output"})),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Inspect, BadInput,
    testing::Values(
        inspect("missing", [](const Place& p) { return p / "none"; },
                {"none", "no such file"}),
        inspect("folder", [](const Place& p) { return p.pipeline(); },
                {"folder"}),
        inspect("empty", [](const Place& p) { return p.file("x", ""); }, {"x"}),
        inspect("text",
                [](const Place& p) { return p.file("notes.txt", "hello"); },
                {"notes.txt"}),
        inspect("checkpoint_truncated",
                [](const Place& p) {
                  std::string text = readText(p.checkpoint());
                  return p.file("m.burin", text.substr(0, 5000));
                },
                {"m.burin", "5000"}),
        inspect("checkpoint_index_enormous",
                [](const Place& p) {
                  return p.damagedCheckpoint(8, number(~0ull));
                },
                {"m.burin", "18446744073709551615"}),
        inspect("checkpoint_index_scrambled",
                [](const Place& p) {
                  return p.damagedCheckpoint(16, std::string(64, '\x7f'));
                },
                {"m.burin", "damaged"}),
        inspect("checkpoint_data_cut",
                [](const Place& p) {
                  std::string text = readText(p.checkpoint());
                  text.resize(text.size() - 1);
                  return p.file("m.burin", text);
                },
                {"m.burin", "outside its file"}),
        inspect("checkpoint_shard_missing",
                [](const Place& p) {
                  std::string path = p.checkpoint({"--shard-size", "200kB"});
                  fs::remove(p / p.names().back());
                  return path;
                },
                {"a shard of", "m.burin"}),
        inspect("checkpoint_shard_cut",
                [](const Place& p) {
                  std::string path = p.checkpoint({"--shard-size", "200kB"});
                  fs::resize_file(p / p.names().back(), 100);
                  return path;
                },
                {"100 bytes"}),
        inspect("module_scrambled",
                [](const Place& p) {
                  return p.file("x.burinm", std::string("\x10\0\0\0BRNM", 8) +
                                                std::string(100, '\x7f'));
                },
                {"x.burinm"})),
    nameOf);

Arguments runOf(const Place& p, const std::string& model,
                const std::string& inputs) {
  return {"run", model, "unet", "--inputs", inputs, "--outputs", p.out};
}

std::string allInputs(const Place& p) {
  return p.file(
      "all.safetensors",
      safetensors(R"({"sample":{"dtype":"F32","shape":[1,8,8,8],)"
                  R"("data_offsets":[0,2048]},"timestep":{"dtype":"F32",)"
                  R"("shape":[1],"data_offsets":[2048,2052]},)"
                  R"("encoder_hidden_states":{"dtype":"F32",)"
                  R"("shape":[1,2,8],"data_offsets":[2052,2116]}})",
                  2116));
}

std::string sampleOnly(const Place& p) {
  return p.file("in.safetensors",
                safetensors(R"({"sample":{"dtype":"F32","shape":[1,8,8,8],)"
                            R"("data_offsets":[0,2048]}})",
                            2048));
}

INSTANTIATE_TEST_SUITE_P(
    Run, BadInput,
    testing::Values(
        Row{"no_model",
            [](const Place& p) { return runOf(p, p / "none", p / "x"); },
            {"none", "no such file"}},
        Row{"model_of_another_kind",
            [](const Place& p) {
              return runOf(p, kGolden + "tiny_single.safetensors", p / "x");
            },
            {"tiny_single.safetensors", "burin convert"}},
        Row{"no_inputs",
            [](const Place& p) { return runOf(p, p.checkpoint(), p / "x"); },
            {"/x", "no such file"}},
        Row{"input_missing",
            [](const Place& p) {
              return runOf(p, p.checkpoint(), sampleOnly(p));
            },
            {"encoder_hidden_states", "missing"}},
        Row{"inputs_truncated",
            [](const Place& p) {
              return runOf(p, p.checkpoint(), p.file("in", number(9) + "{}"));
            },
            {"truncated"}},
        Row{"unknown_function",
            [](const Place& p) {
              return Arguments{"run",      p.checkpoint(), "decode",
                               "--inputs", sampleOnly(p),  "--outputs",
                               p.out};
            },
            {"'decode'", "vae_decoder"}},
        Row{"module_of_another_kind",
            [](const Place& p) {
              std::string model = p.checkpoint();
              return Arguments{"run",      model,        "unet",
                               "--inputs", allInputs(p), "--outputs",
                               p.out,      "--module",   model};
            },
            {"m.burin", "module"}},
        Row{"negative_threads",
            [](const Place& p) {
              Arguments arguments = runOf(p, p / "m", p / "x");
              arguments.insert(arguments.end(), {"--threads", "-1"});
              return arguments;
            },
            {"--threads", "-1"}},
        Row{"compile_no_rows",
            [](const Place& p) {
              return Arguments{"compile",    p.checkpoint(),
                               "--function", "unet",
                               "--height",   "0",
                               "--width",    "8",
                               "--tokens",   "77",
                               "-o",         p.out};
            },
            {"height", "0"}},
        Row{"compile_unknown_target",
            [](const Place& p) {
              return Arguments{"compile",  p.checkpoint(), "--function", "unet",
                               "--target", "x86-64-v9",    "-o",         p.out};
            },
            {"--target", "x86-64-v9"}},
        Row{"unknown_flag",
            [](const Place& p) {
              return Arguments{"inspect", p / "x", "--colour"};
            },
            {"--colour"}},
        Row{"unknown_command",
            [](const Place&) { return Arguments{"paint"}; },
            {"'paint'", "--help"}},
        Row{"no_command",
            [](const Place&) { return Arguments{}; },
            {"subcommand", "--help"}}),
    nameOf);

} // namespace
} // namespace burin
