// SPDX-License-Identifier: Apache-2.0
// Checks cases that the tests emitted on a device of this machine:
//
//   burin-replay FOLDER [--device NAME] [--filter TEXT] [--seconds N]
//       [--one-process]
//
// Cases run in a process of their own, which starts anew behind a case that
// breaks the device, crashes or takes longer than --seconds; that case is
// named and counts as failed. --one-process leaves this out, for tools that
// watch a process.
#include "models/pipeline/device.h"
#include "tests/replay/check.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace burin::replay {
namespace {

struct Options {
  std::string folder;
  std::string device = "cpu";
  std::string filter;
  unsigned seconds = 60;
  bool oneProcess = false;
};

// How far the worker has come; shared with it.
struct Board {
  size_t current = 0;
  size_t passed = 0;
  size_t failed = 0;
};

enum Exit { kDone = 0, kNoDevice = 2, kStartAgain = 3 };

Result<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    bool takesValue =
        word == "--device" || word == "--filter" || word == "--seconds";
    if (takesValue && i + 1 == argc)
      return invalidArgument(word + " needs a value");
    if (word == "--device")
      options.device = argv[++i];
    else if (word == "--filter")
      options.filter = argv[++i];
    else if (word == "--seconds")
      options.seconds = static_cast<unsigned>(std::atoi(argv[++i]));
    else if (word == "--one-process")
      options.oneProcess = true;
    else if (word.starts_with("-") || !options.folder.empty())
      return invalidArgument("unknown argument '" + word + "'");
    else
      options.folder = word;
  }
  if (options.folder.empty())
    return invalidArgument("usage: burin-replay FOLDER [--device NAME] "
                           "[--filter TEXT] [--seconds N] [--one-process]");
  return options;
}

// The cases' paths without their extension, by name.
Result<std::vector<std::string>> findCases(const Options& options) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(options.folder, error))
    if (entry.path().extension() == ".burinm" &&
        entry.path().stem().string().find(options.filter) != std::string::npos)
      paths.push_back(std::filesystem::path(entry.path()).replace_extension());
  if (paths.empty())
    return notFound("no case with '" + options.filter + "' in its name in '" +
                    options.folder + "'; the tests' --emit writes them");
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string nameOf(const std::string& path) {
  return std::filesystem::path(path).filename();
}

void printFault(const std::string& path, const std::string& fault) {
  std::printf("FAILED  %-36s %s\n", nameOf(path).c_str(), fault.c_str());
  std::fflush(stdout);
}

// Runs cases from `board.current` on.
Exit runCases(const std::vector<std::string>& paths, const Options& options,
              Board& board) {
  auto device = openDevice(options.device, 2);
  if (!device.ok()) {
    std::fprintf(stderr, "%s\n", device.status().message().c_str());
    return kNoDevice;
  }
  for (; board.current < paths.size(); ++board.current) {
    const std::string& path = paths[board.current];
    alarm(options.oneProcess ? 0 : options.seconds);
    auto outcome = checkCase(path, **device);
    alarm(0);
    bool passed = outcome.ok() && outcome->fault.empty();
    ++(passed ? board.passed : board.failed);
    if (passed)
      std::printf("ok      %-36s %6.1f %%\n", nameOf(path).c_str(),
                  100 * outcome->share);
    else
      printFault(path,
                 outcome.ok() ? outcome->fault : outcome.status().message());
    std::fflush(stdout);
    if (!outcome.ok() && !options.oneProcess) {
      ++board.current;
      return kStartAgain; // the device may be lost
    }
  }
  return kDone;
}

// Runs cases in workers, one after another, until none is left.
Exit runWorkers(const std::vector<std::string>& paths, const Options& options,
                Board& board) {
  while (board.current < paths.size()) {
    pid_t worker = fork();
    if (worker == 0)
      _exit(runCases(paths, options, board));
    int status = 0;
    if (worker < 0 || waitpid(worker, &status, 0) != worker) {
      std::perror("burin-replay: cannot run a worker");
      return kNoDevice;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNoDevice)
      return kNoDevice;
    bool ended = WIFEXITED(status) && (WEXITSTATUS(status) == kDone ||
                                       WEXITSTATUS(status) == kStartAgain);
    if (ended)
      continue;
    std::string fault =
        !WIFSIGNALED(status) ? "the process ended"
        : WTERMSIG(status) == SIGALRM
            ? "no end after " + std::to_string(options.seconds) + " s"
            : "signal " + std::to_string(WTERMSIG(status));
    printFault(paths[board.current++], fault);
    ++board.failed;
  }
  return kDone;
}

int run(int argc, char** argv) {
  auto options = parse(argc, argv);
  auto paths = options.ok()
                   ? findCases(*options)
                   : Result<std::vector<std::string>>(options.status());
  if (!paths.ok()) {
    std::fprintf(stderr, "%s\n", paths.status().message().c_str());
    return 2;
  }
  void* shared = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    std::perror("burin-replay: mmap");
    return 2;
  }
  Board& board = *new (shared) Board;
  Exit end = options->oneProcess ? runCases(*paths, *options, board)
                                 : runWorkers(*paths, *options, board);
  std::printf("%zu passed, %zu failed\n", board.passed, board.failed);
  return end == kNoDevice ? 2 : board.failed ? 1 : 0;
}

} // namespace
} // namespace burin::replay

int main(int argc, char** argv) {
  return burin::replay::run(argc, argv);
}
