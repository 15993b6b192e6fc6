// SPDX-License-Identifier: Apache-2.0
// The life of a context on a card, and what becomes of its errors.
#include "runtime/device/cuda/cuda_context.h"

#include <cstdlib>

namespace burin::cuda {

CudaContext::~CudaContext() {
  if (!context_)
    return;
  driver.setCurrent(context_);
  if (stream)
    driver.streamDestroy(stream);
  driver.setCurrent(nullptr);
  driver.primaryRelease(card_);
}

Status CudaContext::open(const CudaOptions& options) {
  BURIN_ASSIGN(driver, openDriver(options.library));
  int count = 0;
  BURIN_TRY(check(driver.deviceGetCount(&count), "counting the cards"));
  if (options.ordinal < 0 || options.ordinal >= count)
    return unavailable("there is no CUDA device " +
                       std::to_string(options.ordinal) + "; this machine has " +
                       std::to_string(count) +
                       ", counted from 0; choose one of them or --device cpu");
  name = "cuda:" + std::to_string(options.ordinal);
  BURIN_TRY(check(driver.deviceGet(&card_, options.ordinal), "opening a card"));
  BURIN_TRY(readCard());
  BURIN_TRY(check(driver.primaryRetain(&context_, card_),
                  "making a context on " + name));
  BURIN_TRY(enter());
  BURIN_TRY(check(driver.streamCreate(&stream, kStreamNonBlocking),
                  "making a stream"));
  const char* wish = std::getenv("BURIN_CUDA_EAGER");
  eager = wish && std::string_view(wish) == "1";
  return okStatus();
}

Status CudaContext::readCard() {
  char text[256] = {};
  BURIN_TRY(check(driver.deviceGetName(text, sizeof(text), card_),
                  "reading a card's name"));
  info.card = text;
  auto read = [&](int& value, int attribute) {
    return check(driver.deviceGetAttribute(&value, attribute, card_),
                 "reading a card's properties");
  };
  BURIN_TRY(read(info.major, kCapabilityMajor));
  BURIN_TRY(read(info.minor, kCapabilityMinor));
  return read(info.multiprocessors, kMultiprocessorCount);
}

Status CudaContext::enter() {
  BURIN_TRY(lost_);
  return check(driver.setCurrent(context_), "entering a context");
}

Status CudaContext::lose(Code code, std::string_view what) {
  if (lost_.ok())
    lost_ = unavailable(
        "device lost: " + name + " (" + info.card + ") failed at the " +
        std::string(what) + " with " + describe(driver, code) +
        "; start again, with BURIN_CUDA_EAGER=1 to learn which step it is");
  return lost_;
}

Status CudaContext::check(Code code, std::string_view what) {
  if (code == kSuccess)
    return okStatus();
  if (isFatal(code))
    return lose(code, what);
  std::string text =
      "the " + std::string(what) + " failed with " + describe(driver, code);
  if (code == kOutOfMemoryCode) {
    size_t free = 0;
    size_t total = 0;
    driver.memGetInfo(&free, &total);
    return {burin::Code::kOutOfMemory,
            text + "; " + name + " has " + std::to_string(free) + " of " +
                std::to_string(total) +
                " bytes free; a smaller size or batch needs less"};
  }
  return internalError(text);
}

Status CudaContext::synchronize() {
  countBlocking();
  return check(driver.streamSynchronize(stream), "wait for the queue");
}

Status CudaContext::wait(Event event) {
  countBlocking();
  return check(driver.eventSynchronize(event), "wait for an event");
}

} // namespace burin::cuda
