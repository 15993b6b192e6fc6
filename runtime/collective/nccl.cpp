// SPDX-License-Identifier: Apache-2.0
// Opening of libnccl.so.2, and sums on a card's stream.
#include "runtime/collective/nccl.h"

#include <dlfcn.h>

#include "runtime/base/library_file.h"

namespace burin::nccl {
namespace {

constexpr const char* kFile = "libnccl.so.2";

Result<Library> openLibrary() {
  void* handle = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return unavailable("several processes on cards need NCCL, and " +
                       dynamicLinkerError() +
                       "; install it (NVIDIA: libnccl2) or put its folder "
                       "into $LD_LIBRARY_PATH");
  Library library;
  std::string missing;
#define BURIN_NCCL_OPEN(member, symbol, result, parameters)                    \
  library.member =                                                             \
      reinterpret_cast<decltype(library.member)>(dlsym(handle, #symbol));      \
  if (!library.member && missing.empty())                                      \
    missing = #symbol;
  BURIN_NCCL_FUNCTIONS(BURIN_NCCL_OPEN)
#undef BURIN_NCCL_OPEN
  if (!missing.empty())
    return unavailable(std::string(kFile) + " is too old: it has no " +
                       missing + "; install NCCL 2.13 or newer");
  return library;
}

class CardCollective final : public Collective {
public:
  CardCollective(const Library& library, CudaDevice& card, int size)
      : library_(library), card_(card), size_(size) {}
  ~CardCollective() override {
    if (communicator_ && card_.queue().ok())
      library_.destroy(communicator_);
  }

  Status begin(const UniqueId& id, int rank) {
    BURIN_TRY(card_.queue().status()); // NCCL takes the current context's card
    return check(library_.initRank(&communicator_, size_, id, rank),
                 "making of a communicator");
  }

  int size() const override { return size_; }
  Status sum(float* values, size_t count) override {
    BURIN_ASSIGN(void* stream, card_.queue());
    return check(library_.allReduce(values, values, count, kFloat32, kSum,
                                    communicator_, static_cast<Stream>(stream)),
                 "sum");
  }

private:
  Status check(Code code, const char* what) {
    if (code == kSuccess)
      return okStatus();
    const char* detail = library_.lastError(communicator_);
    return unavailable(
        std::string("NCCL's ") + what + " on " + std::string(card_.name()) +
        " failed: " + library_.errorString(code) +
        (detail && *detail ? std::string(" (") + detail + ")" : std::string()) +
        "; NCCL_DEBUG=WARN says more");
  }

  Library library_;
  CudaDevice& card_;
  int size_;
  Communicator communicator_ = nullptr;
};

} // namespace

// What can fail in one process alone is agreed on before NCCL waits for all.
Result<std::unique_ptr<Collective>> open(CudaDevice& card,
                                         ProcessGroup& group) {
  Result<Library> library = openLibrary();
  BURIN_TRY(group.agree(library.status()));
  UniqueId id = {};
  Status made;
  if (group.isFirst())
    if (Code code = library->getUniqueId(&id); code != kSuccess)
      made = unavailable(std::string("NCCL makes no communicator: ") +
                         library->errorString(code));
  BURIN_TRY(group.agree(made));
  BURIN_TRY(group.broadcast(std::as_writable_bytes(std::span(&id, 1)), 0));
  auto collective =
      std::make_unique<CardCollective>(*library, card, group.size());
  BURIN_TRY(group.agree(collective->begin(id, group.rank())));
  return std::unique_ptr<Collective>(std::move(collective));
}

} // namespace burin::nccl
