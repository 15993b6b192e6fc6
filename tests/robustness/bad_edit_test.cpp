// SPDX-License-Identifier: Apache-2.0
// What a user can get wrong with `burin edit` and `burin tokenize`.
#include "tests/robustness/bad_input.h"

namespace burin {
namespace {

class BadEdit : public testing::TestWithParam<Row> {};

TEST_P(BadEdit, ends_with_a_message_status_2_and_no_file) {
  expectRefusal(GetParam());
}

const std::string kPicture = kGolden + "images/rgb.png";

// A row of `burin edit` that is good but for one thing.
struct Edit {
  std::function<std::string(const Place&)> picture = [](const Place&) {
    return kPicture;
  };
  std::string instruction = "a cat";
  std::function<std::string(const Place&)> model = [](const Place& p) {
    return p.checkpoint();
  };
  std::function<std::string(const Place&)> output = [](const Place& p) {
    return p / "out.png";
  };
  Arguments flags = {};
};

Row row(const char* name, Edit edit, std::vector<std::string> parts,
        std::optional<uint64_t> fileLimit = {}) {
  return {
      name,
      [edit](const Place& p) {
        Arguments arguments = {"edit",       edit.picture(p), edit.instruction,
                               "-o",         edit.output(p),  "--model",
                               edit.model(p)};
        arguments.insert(arguments.end(), edit.flags.begin(), edit.flags.end());
        return arguments;
      },
      std::move(parts), fileLimit};
}

Row flag(const char* name, Arguments flags, std::vector<std::string> parts) {
  Edit edit;
  edit.flags = std::move(flags);
  return row(name, edit, std::move(parts));
}

Row picture(const char* name, std::function<std::string(const Place&)> make,
            std::vector<std::string> parts) {
  Edit edit;
  edit.picture = std::move(make);
  return row(name, edit, std::move(parts));
}

Row bytes(const char* name, const std::string& content,
          std::vector<std::string> parts) {
  parts.push_back("in.png");
  return picture(
      name, [content](const Place& p) { return p.file("in.png", content); },
      std::move(parts));
}

Row output(const char* name, std::function<std::string(const Place&)> target,
           std::vector<std::string> parts) {
  Edit edit;
  edit.output = std::move(target);
  return row(name, edit, std::move(parts));
}

Row instruction(const char* name, const std::string& text,
                std::vector<std::string> parts) {
  Edit edit;
  edit.instruction = text;
  return row(name, edit, std::move(parts));
}

Row model(const char* name, std::function<std::string(const Place&)> make,
          std::vector<std::string> parts) {
  Edit edit;
  edit.model = std::move(make);
  return row(name, edit, std::move(parts));
}

std::string damaged(const std::string& name) {
  std::string text = readText(kGolden + "images/" + name);
  text[text.size() / 2] ^= 0x10;
  return text;
}

// A PNG of 60000 x 60000 pixels as far as its header goes.
std::string enormous() {
  std::string text = readText(kPicture);
  text.replace(16, 8, std::string("\0\0\xea\x60\0\0\xea\x60", 8));
  // The header's checksum for these values.
  text.replace(29, 4, std::string("\x0f\xb0\xe2\x15", 4));
  return text;
}

INSTANTIATE_TEST_SUITE_P(
    Picture, BadEdit,
    testing::Values(
        picture("missing", [](const Place& p) { return p / "none.png"; },
                {"none.png", "no such file"}),
        picture("folder", [](const Place& p) { return p.pipeline(); },
                {"folder"}),
        bytes("empty", "", {"empty"}), bytes("text", "hello", {"PNG", "JPEG"}),
        bytes("gif", "GIF89a" + std::string(40, '\1'), {"PNG", "JPEG"}),
        bytes("png_cut", readText(kPicture).substr(0, 500), {"truncated"}),
        bytes("png_damaged", damaged("rgb.png"), {"checksum"}),
        bytes("png_enormous", enormous(), {"60000x60000"}),
        bytes("jpeg_cut",
              readText(kGolden + "images/jpeg444.jpg").substr(0, 700),
              {"truncated"}),
        bytes("jpeg_header_alone", "\xff\xd8\xff\xd9", {"size"})),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Flags, BadEdit,
    testing::Values(
        flag("no_steps", {"--steps", "0"}, {"steps", "0"}),
        flag("negative_steps", {"--steps", "-3"}, {"steps", "-3"}),
        flag("too_many_steps", {"--steps", "1000000"}, {"steps", "1000000"}),
        flag("steps_no_number", {"--steps", "many"}, {"--steps", "many"}),
        flag("no_adapter", {"--lora", "none.safetensors"},
             {"none.safetensors", "no such file"}),
        flag("adapter_of_another_model",
             {"--lora", "tests/models/golden/lora_diffusers.safetensors"},
             {"lora_diffusers.safetensors", "does not fit the model",
              "unet.conv_in"}),
        flag("adapter_weight_no_number", {"--lora", "a.safetensors:much"},
             {"'much'", "a.safetensors"}),
        flag("no_size", {"--size", "0"}, {"size", "0"}),
        flag("negative_size", {"--size", "-64"}, {"size", "-64"}),
        flag("enormous_size", {"--size", "1000000"}, {"size", "1000000"}),
        flag("unknown_sampler", {"--sampler", "magic"}, {"magic", "ddim"}),
        flag("text_scale_nan", {"--text-scale", "nan"}, {"text", "nan"}),
        flag("text_scale_negative", {"--text-scale", "-1"}, {"text", "-1"}),
        flag("image_scale_infinite", {"--image-scale", "inf"},
             {"image", "inf"}),
        flag("eta_too_large", {"--sampler", "ddim", "--eta", "2"},
             {"eta", "2"}),
        flag("unknown_random", {"--random", "dice"}, {"dice", "torch-cpu"}),
        flag("unknown_device", {"--device", "toaster"}, {"toaster", "cpu"}),
        flag("card_no_number", {"--device", "cuda:x"}, {"cuda:x", "cuda:N"}),
        flag("card_not_there", {"--device", "cuda:99"}, {"cuda"}),
        flag("precision_of_cards", {"--precision", "f16"}, {"f16", "bf16"}),
        flag("unknown_precision", {"--precision", "f8"}, {"f8", "bf16"}),
        flag("seed_no_number", {"--seed", "x"}, {"--seed", "x"}),
        flag("negative_threads", {"--threads", "-2"}, {"--threads", "-2"}),
        flag("noise_missing", {"--noise", "/none/noise"}, {"/none/noise"})),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Text, BadEdit,
    testing::Values(instruction("empty", "", {"instruction"}),
                    instruction("blank", "  \t\n", {"instruction"}),
                    instruction("too_long",
                                [] {
                                  std::string text;
                                  for (int i = 0; i < 200; ++i)
                                    text += "cat ";
                                  return text;
                                }(),
                                {"instruction", "77"})),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Model, BadEdit,
    testing::Values(
        model("missing", [](const Place& p) { return p / "none.burin"; },
              {"none.burin"}),
        model("of_another_kind", [](const Place&) { return kPicture; },
              {"rgb.png", "burin convert"}),
        model("cut",
              [](const Place& p) {
                std::string text = readText(p.checkpoint());
                return p.file("m.burin", text.substr(0, text.size() / 2));
              },
              {"m.burin"}),
        model("that_does_not_edit",
              [](const Place& p) {
                std::string text = readText(p.checkpoint());
                const std::string from = "instruct_pix2pix",
                                  to = "stable_diffusion";
                text.replace(text.find(from), from.size(), to);
                return p.file("m.burin", text);
              },
              {"stable_diffusion"}),
        Row{"tokenize_no_model",
            [](const Place& p) {
              return Arguments{"tokenize", p / "none", "a cat"};
            },
            {"none", "no such file"}}),
    nameOf);

INSTANTIATE_TEST_SUITE_P(
    Output, BadEdit,
    testing::Values(
        output("folder_missing", [](const Place& p) { return p / "no/o.png"; },
               {"no/o.png"}),
        output("is_a_folder",
               [](const Place& p) {
                 std::filesystem::create_directory(p / "there.png");
                 return p / "there.png";
               },
               {"there.png", "folder"}),
        output("no_png", [](const Place& p) { return p / "out.gif"; },
               {"out.gif", "PNG"}),
        output("is_the_picture", [](const Place&) { return kPicture; },
               {"rgb.png"}),
        output("is_a_device", [](const Place&) { return "/dev/full"; },
               {"/dev/full"})),
    nameOf);

} // namespace
} // namespace burin
