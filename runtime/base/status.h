// SPDX-License-Identifier: Apache-2.0
// The error type of everything outside the compiler: no exceptions, no abort.
//
// A message names the thing, its value, the limit and the remedy, e.g.
//   "tensor 'unet.conv_in.weight' has shape [320,4,3,3], the model needs
//    [320,8,3,3]; convert an InstructPix2Pix checkpoint".
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace burin {

enum class Code {
  kOk,
  kInvalidArgument, // the caller's value is wrong: flag, shape, configuration
  kNotFound,        // a file, tensor, function or library is missing
  kDataLoss,        // a file's bytes contradict themselves
  kOutOfMemory,
  kUnavailable,   // this machine lacks a device, library or permission
  kUnimplemented, // a valid request this build does not serve
  kCancelled,     // the user stopped it
  kInternal,      // a defect in Burin
};

class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Code code, std::string message)
      : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error with "context: " in front, for callers that know more.
  Status within(const std::string& context) const {
    return ok() ? *this : Status(code_, context + ": " + message_);
  }

private:
  Code code_ = Code::kOk;
  std::string message_;
};

inline Status okStatus() {
  return {};
}
inline Status invalidArgument(std::string m) {
  return {Code::kInvalidArgument, std::move(m)};
}
inline Status notFound(std::string m) {
  return {Code::kNotFound, std::move(m)};
}
inline Status dataLoss(std::string m) {
  return {Code::kDataLoss, std::move(m)};
}
inline Status unavailable(std::string m) {
  return {Code::kUnavailable, std::move(m)};
}
inline Status unimplemented(std::string m) {
  return {Code::kUnimplemented, std::move(m)};
}
inline Status internalError(std::string m) {
  return {Code::kInternal, std::move(m)};
}

// A value or the reason why there is none.
template <typename T>
class [[nodiscard]] Result {
public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) {
    if (status_.ok())
      status_ = internalError("a Result was made from an ok Status");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  // Precondition of these four: ok().
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

private:
  std::optional<T> value_;
  Status status_;
};

} // namespace burin

// Returns the error of a Status expression to the caller.
#define BURIN_TRY(expression)                                                  \
  do {                                                                         \
    if (::burin::Status burinStatus = (expression); !burinStatus.ok())         \
      return burinStatus;                                                      \
  } while (false)

#define BURIN_CONCAT_INNER(a, b) a##b
#define BURIN_CONCAT(a, b) BURIN_CONCAT_INNER(a, b)
#define BURIN_ASSIGN_INNER(temporary, target, expression)                      \
  auto temporary = (expression);                                               \
  if (!temporary.ok())                                                         \
    return temporary.status();                                                 \
  target = *std::move(temporary)

// BURIN_ASSIGN(auto x, f()): declares x from a Result, or returns its error.
#define BURIN_ASSIGN(target, expression)                                       \
  BURIN_ASSIGN_INNER(BURIN_CONCAT(burinResult, __LINE__), target, expression)
