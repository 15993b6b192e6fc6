// SPDX-License-Identifier: Apache-2.0
// Runs the command `burin` as a user would and keeps what it said.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace burin {

struct CommandResult {
  int exitStatus = -1; // 128 + signal when it was killed
  std::string output, error;
};

// `arguments` without the program's name. With `fileLimit`, writing a file
// beyond that many bytes fails as on a full disk. After `life` the command is
// killed (SIGKILL), unless it has ended.
CommandResult runBurin(const std::vector<std::string>& arguments,
                       std::optional<uint64_t> fileLimit = {},
                       std::optional<std::chrono::microseconds> life = {});
// Of another program, by its path.
CommandResult runProgram(const std::string& program,
                         const std::vector<std::string>& arguments,
                         std::optional<uint64_t> fileLimit = {},
                         std::optional<std::chrono::microseconds> life = {});

} // namespace burin
