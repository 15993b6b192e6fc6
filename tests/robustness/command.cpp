// SPDX-License-Identifier: Apache-2.0
// fork and exec, with the streams in unnamed files.
#include "tests/robustness/command.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace burin {
namespace {

std::string contents(std::FILE* file) {
  std::string text;
  std::rewind(file);
  char part[4096];
  while (size_t count = std::fread(part, 1, sizeof part, file))
    text.append(part, count);
  std::fclose(file);
  return text;
}

// In the child: never returns.
[[noreturn]] void become(const std::string& program,
                         const std::vector<std::string>& arguments, int output,
                         int error, std::optional<uint64_t> fileLimit) {
  ::dup2(output, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  if (fileLimit) {
    std::signal(SIGXFSZ, SIG_IGN); // so that write reports it
    struct rlimit limit = {*fileLimit, *fileLimit};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> pointers = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  ::execv(program.c_str(), pointers.data());
  std::_Exit(127);
}

} // namespace

CommandResult runBurin(const std::vector<std::string>& arguments,
                       std::optional<uint64_t> fileLimit,
                       std::optional<std::chrono::microseconds> life) {
  return runProgram(BURIN_COMMAND, arguments, fileLimit, life);
}

CommandResult runProgram(const std::string& program,
                         const std::vector<std::string>& arguments,
                         std::optional<uint64_t> fileLimit,
                         std::optional<std::chrono::microseconds> life) {
  std::FILE *output = std::tmpfile(), *error = std::tmpfile();
  pid_t child = ::fork();
  if (child == 0)
    become(program, arguments, ::fileno(output), ::fileno(error), fileLimit);
  if (life) {
    std::this_thread::sleep_for(*life);
    ::kill(child, SIGKILL); // one that has ended still waits to be asked for
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CommandResult result;
  result.exitStatus =
      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.output = contents(output);
  result.error = contents(error);
  return result;
}

} // namespace burin
