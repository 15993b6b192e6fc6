// SPDX-License-Identifier: Apache-2.0
// Shows what becomes of a text on its way into the text encoder.
#include "tools/burin/tokenize.h"

#include <array>

#include <nlohmann/json.hpp>

#include "models/pipeline/model_info.h"

namespace burin::cli {
namespace {

constexpr const char* kExamples =
    "  burin tokenize model.burin \"replace the cat with a dog\"\n"
    "  burin tokenize model.burin \"make it night\" --json\n\n"
    "Prints the ids between the marks of beginning and end, each with the\n"
    "piece of text it stands for. --json prints all ids that the encoder\n"
    "reads, with marks and padding, and what did not fit.";

struct Options {
  std::string model, text;
  bool json = false;
};

std::string listing(const text::ClipTokenizer& tokenizer,
                    std::span<const int32_t> ids) {
  std::string lines;
  for (int32_t id : ids)
    lines +=
        std::to_string(id) + "\t" + tokenizer.decode(std::array{id}) + "\n";
  return lines;
}

Status execute(const Options& options) {
  BURIN_ASSIGN(Checkpoint checkpoint, Checkpoint::open(options.model));
  BURIN_ASSIGN(text::ClipTokenizer tokenizer,
               pipeline::readTokenizer(checkpoint));
  if (!options.json)
    return print(listing(tokenizer, tokenizer.encodeText(options.text)));
  text::Encoding encoding = tokenizer.encode(options.text);
  return printJson({{"ids", encoding.ids},
                    {"tokens", encoding.tokens},
                    {"cut", encoding.cut}});
}

} // namespace

void addTokenize(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = addCommand<Options>(app, chosen, "tokenize",
                                          "Show the token ids of a text",
                                          kExamples, options, execute);
  command->add_option("model", options->model, "The model's checkpoint")
      ->required();
  command->add_option("text", options->text, "The text")->required();
  addJsonOption(command, options->json);
}

} // namespace burin::cli
