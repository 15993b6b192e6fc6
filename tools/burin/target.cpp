// SPDX-License-Identifier: Apache-2.0
// Checks names and asks devices.
#include "tools/burin/target.h"

#include <cstdio>

#include <CLI/CLI.hpp>

#include "models/pipeline/device.h"

namespace burin::cli {
namespace {

std::string checkTarget(const std::string& target) {
  if (target == "x86-64-v3" || target == "x86-64-v4")
    return {};
  std::string_view rest = target;
  if (isCudaTarget(rest)) {
    rest.remove_prefix(3);
    if (rest.ends_with('a'))
      rest.remove_suffix(1);
    if ((rest.size() == 2 || rest.size() == 3) &&
        rest.find_first_not_of("0123456789") == rest.npos)
      return {};
  }
  return "'" + target +
         "' is no target; choose x86-64-v3, x86-64-v4, or a card's "
         "capability such as sm_90a or sm_80";
}

} // namespace

void addTargetOption(CLI::App* command, std::string& target) {
  command
      ->add_option("--target", target,
                   "Processor level or card (sm_90a); the device's when left "
                   "out")
      ->check(checkTarget);
}

Result<std::string> chooseTarget(const std::string& device,
                                 const std::string& target) {
  std::string known = device.empty() ? "cpu" : device;
  BURIN_ASSIGN(DeviceName name, parseDevice(known));
  if (!target.empty()) {
    if (!device.empty() && name.cuda != isCudaTarget(target))
      return invalidArgument("--target " + target + " is not for the device " +
                             device + "; leave one of them out");
    return target;
  }
  auto opened = openDevice(known, 1);
  if (opened.ok() || !name.cuda) {
    BURIN_TRY(opened.status());
    return targetOf(**opened);
  }
  std::fprintf(stderr, "no card to ask: compiling for %s (--target)\n",
               std::string(kDefaultCudaTarget).c_str());
  return std::string(kDefaultCudaTarget);
}

} // namespace burin::cli
