// SPDX-License-Identifier: Apache-2.0
// Options and the shape that they stand for.
#include "tools/burin/adapter_options.h"

#include "models/adapters/targets.h"
#include "models/pipeline/adapter_bank.h"

namespace burin::cli {

CLI::Option* addAdapterOptions(CLI::App* command, AdapterOptions& options) {
  CLI::Option* adapters =
      command
          ->add_option("--adapters", options.count,
                       "LoRA adapters beside the weights of unet or "
                       "edit_step, one a sample in a batch of as many")
          ->check(CLI::Range(1, 64));
  command->add_option("--rank", options.rank, "Of each adapter")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->needs(adapters);
  command
      ->add_option("--targets", options.targets,
                   "Layers that have them, by ends of their names")
      ->capture_default_str()
      ->needs(adapters);
  return adapters;
}

Status addAdapters(const AdapterOptions& options, const Checkpoint& model,
                   FunctionRequest& request) {
  if (options.count == 0)
    return okStatus();
  constexpr int64_t kMultiple = pipeline::AdapterBank::kRankMultiple;
  const int64_t rank = int64_t{options.count} * options.rank;
  BURIN_ASSIGN(std::vector<std::string> layers,
               adapters::matchLayers(model.tensors(), options.targets));
  request.adapter = {(rank + kMultiple - 1) / kMultiple * kMultiple, 1,
                     std::move(layers)};
  return okStatus();
}

} // namespace burin::cli
