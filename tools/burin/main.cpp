// SPDX-License-Identifier: Apache-2.0
// The command `burin`: parses the command line, runs one subcommand and turns
// its status into a message and an exit status.
#include <cstdio>
#include <exception>
#include <new>

#include "tools/burin/bench.h"
#include "tools/burin/cli.h"
#include "tools/burin/compile.h"
#include "tools/burin/convert.h"
#include "tools/burin/data.h"
#include "tools/burin/edit.h"
#include "tools/burin/inspect.h"
#include "tools/burin/run.h"
#include "tools/burin/tokenize.h"
#include "tools/burin/train.h"

namespace {

constexpr int kErrorExit = 2;

int fail(const std::string& message) {
  std::fprintf(stderr, "burin: error: %s\n", message.c_str());
  return kErrorExit;
}

// The flag parser reports by exceptions; this is the edge where they end.
int parseAndRun(CLI::App& app, const burin::cli::Action& chosen, int argc,
                char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) // --help, --version
      return app.exit(error);
    // The parser says only that a command is missing.
    auto isNamed = [&](CLI::App* command) {
      return command->get_name() == argv[1];
    };
    if (argc > 1 && argv[1][0] != '-' && app.get_subcommands(isNamed).empty())
      return fail("there is no command '" + std::string(argv[1]) +
                  "'; see burin --help");
    return fail(std::string(error.what()) + "; see burin --help");
  }
  burin::Status status = chosen();
  if (status.message().empty()) // another process says why
    return status.ok() ? 0 : kErrorExit;
  return fail(status.message());
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("Edits pictures by instruction, and compiles, runs, trains "
               "and inspects the networks that do it.",
               "burin");
  app.set_version_flag("--version", BURIN_VERSION);
  app.require_subcommand(1);
  app.footer("'burin COMMAND --help' explains a command with examples.");
  burin::cli::Action chosen;
  burin::cli::addConvert(app, chosen);
  burin::cli::addEdit(app, chosen);
  burin::cli::addRun(app, chosen);
  burin::cli::addCompile(app, chosen);
  burin::cli::addInspect(app, chosen);
  burin::cli::addBench(app, chosen);
  burin::cli::addData(app, chosen);
  burin::cli::addTrain(app, chosen);
  burin::cli::addTokenize(app, chosen);
  try {
    return parseAndRun(app, chosen, argc, argv);
  } catch (const std::bad_alloc&) {
    return fail("out of memory; a smaller size, batch or model needs less");
  } catch (const std::exception& error) {
    return fail(std::string("internal error: ") + error.what());
  }
}
