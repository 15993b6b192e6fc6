// SPDX-License-Identifier: Apache-2.0
// What the subcommands share: how one is declared, how output is formatted.
//
// A subcommand is a file with an options struct, a function
// `Status execute(const Options&)` and `addX`, which main.cpp calls. Parsing
// only records the choice; the work starts after it, so every failure is a
// Status and ends as "burin: error: ..." with exit status 2; one without a
// message was said by another process already.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>

#include "runtime/base/status.h"

namespace burin::cli {

// The work of the chosen subcommand.
using Action = std::function<Status()>;

// Declares a subcommand. `examples` ends its --help; `options` is what its
// flags fill and `execute` reads.
template <typename Options>
CLI::App* addCommand(CLI::App& app, Action& chosen, const std::string& name,
                     const std::string& summary, const std::string& examples,
                     std::shared_ptr<Options> options,
                     Status (*execute)(const Options&)) {
  CLI::App* command = app.add_subcommand(name, summary);
  command->footer("Examples:\n" + examples);
  command->callback([&chosen, options, execute] {
    chosen = [options, execute] { return execute(*options); };
  });
  return command;
}

// --device NAME (models/pipeline/device.h); a wrong name ends in a message.
void addDeviceOption(CLI::App* command, std::string& device);
// --precision f32|bf16|f16.
void addPrecisionOption(CLI::App* command, std::string& precision);
// --threads N; 0 stands for one a processor.
void addThreadsOption(CLI::App* command, int& threads);
// --json; for subcommands whose output is data.
void addJsonOption(CLI::App* command, bool& json);

// Writes to stdout; fails when the reader has gone or the disk is full.
Status print(const std::string& text);
Status printJson(const nlohmann::json& value);

// "3.4 GB", "512 B" (powers of 1000, as disks count).
std::string formatBytes(double bytes);
// "860 M", "1.2 G", "42".
std::string formatCount(double count);
// "803 GFLOP".
std::string formatFlops(double flops);
// "850 us", "12.3 ms", "4.56 s", "2 min 05 s".
std::string formatSeconds(double seconds);

} // namespace burin::cli
