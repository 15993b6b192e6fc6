// SPDX-License-Identifier: Apache-2.0
// Agreement, from sums and broadcasts.
#include "runtime/collective/process_group.h"

#include <algorithm>
#include <vector>

namespace burin {

Result<std::string> ProcessGroup::broadcastText(std::string text, int root) {
  size_t length = text.size();
  BURIN_TRY(broadcast(std::as_writable_bytes(std::span(&length, 1)), root));
  text.resize(length);
  BURIN_TRY(broadcast(std::as_writable_bytes(std::span(text)), root));
  return text;
}

Status ProcessGroup::agree(const Status& own) {
  if (size() == 1)
    return own;
  BURIN_TRY(failure_);
  std::vector<float> failed(static_cast<size_t>(size()));
  failed[static_cast<size_t>(rank())] = own.ok() ? 0 : 1;
  BURIN_TRY(sum(failed));
  auto first = std::ranges::find(failed, 1.0f);
  if (first == failed.end())
    return okStatus();
  auto root = static_cast<int>(first - failed.begin());
  // What all have found needs no name of a process.
  std::string process;
  if (std::ranges::find(failed, 0.0f) != failed.end())
    process = "process " + std::to_string(root) + " of " +
              std::to_string(size()) + ": ";
  Code code = own.code();
  BURIN_TRY(broadcast(std::as_writable_bytes(std::span(&code, 1)), root));
  BURIN_ASSIGN(std::string message, broadcastText(own.message(), root));
  failure_ = Status(code, process + message);
  return failure_;
}

Status ProcessGroup::agreeOn(const std::string& text, const std::string& what) {
  if (size() == 1)
    return okStatus();
  BURIN_ASSIGN(std::string first, broadcastText(text, 0));
  return agree(text == first
                   ? okStatus()
                   : invalidArgument(what + " is '" + text + "' here and '" +
                                     first + "' in process 0"));
}

Result<bool> ProcessGroup::any(bool own) {
  float count = own ? 1 : 0;
  BURIN_TRY(sum({&count, 1}));
  return count > 0;
}

} // namespace burin
