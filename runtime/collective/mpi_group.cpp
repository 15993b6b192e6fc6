// SPDX-License-Identifier: Apache-2.0
// A group through MPI: finding and opening it, and sums of a fixed order.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "runtime/base/library_file.h"
#include "runtime/collective/mpi_abi.h"
#include "runtime/collective/process_group.h"

namespace burin {
namespace {

class MpiGroup final : public ProcessGroup {
public:
  explicit MpiGroup(const BurinMpi& mpi) : mpi_(mpi) {}
  ~MpiGroup() override {
    if (size_ > 0)
      mpi_.end();
  }
  Status begin() {
    int size = 0;
    BURIN_TRY(
        check(mpi_.begin(&rank_, &size, &localRank_, &localSize_), "start"));
    size_ = size;
    return okStatus();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int localRank() const override { return localRank_; }
  int localSize() const override { return localSize_; }

  Status broadcast(std::span<std::byte> data, int root) override {
    return check(mpi_.broadcast(data.data(), data.size(), root), "broadcast");
  }

  Status sum(std::span<float> values) override {
    auto processes = static_cast<size_t>(size_);
    while (!values.empty()) {
      size_t each =
          std::min(kMostEach, (values.size() + processes - 1) / processes);
      size_t count = std::min(values.size(), each * processes);
      BURIN_TRY(sumPart(values.first(count), each));
      values = values.subspan(count);
    }
    return okStatus();
  }

  Status endAll(const Status& error) override {
    if (size_ == 1)
      return error;
    std::fprintf(stderr, "burin: error: process %d of %d: %s\n", rank_, size_,
                 error.message().c_str());
    constexpr int kErrorExit = 2;
    mpi_.abort(kErrorExit);
    return error;
  }

private:
  static constexpr size_t kMostEach = size_t{1} << 18; // floats

  Status check(int error, const char* what) {
    if (error == 0)
      return okStatus();
    std::array<char, 512> text = {};
    mpi_.describe(error, text.data(), text.size());
    return unavailable(std::string("MPI's ") + what +
                       " failed: " + text.data());
  }

  // Every process adds up its share of the values and gives it to all. MPI's
  // own reduction may add in any order.
  Status sumPart(std::span<float> values, size_t each) {
    size_t whole = each * static_cast<size_t>(size_);
    received_.resize(std::max(received_.size(), whole));
    share_.resize(std::max(share_.size(), each));
    bool padded = values.size() < whole;
    if (padded) {
      padded_.assign(whole, 0);
      std::ranges::copy(values, padded_.begin());
    }
    float* data = padded ? padded_.data() : values.data();
    auto count = static_cast<int>(each);
    BURIN_TRY(check(mpi_.exchange(data, received_.data(), count), "exchange"));
    std::copy_n(received_.begin(), each, share_.begin());
    for (size_t r = 1; r < static_cast<size_t>(size_); ++r)
      for (size_t i = 0; i < each; ++i)
        share_[i] += received_[r * each + i];
    BURIN_TRY(check(mpi_.gather(share_.data(), data, count), "gathering"));
    if (padded)
      std::copy_n(padded_.begin(), values.size(), values.begin());
    return okStatus();
  }

  const BurinMpi& mpi_;
  int rank_ = 0, size_ = 0, localRank_ = 0, localSize_ = 1;
  std::vector<float> received_, share_, padded_;
};

// How the launchers of Open MPI and of MPICH and its relatives say that they
// started a process, and as one of how many; PMIx says only the first.
const char* launchVariable() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const char* value = std::getenv(name))
      return std::string_view(value) == "1" ? nullptr : name;
  return std::getenv("PMIX_RANK") ? "PMIX_RANK" : nullptr;
}

Result<const BurinMpi*> openMpi() {
  constexpr const char* kLibrary = "libburin-mpi.so";
  Result<std::string> file = findLibraryFile(kLibrary, "BURIN_MPI");
  if (!file.ok())
    return notFound(file.status().message() +
                    "; build Burin where MPI is (Debian: libopenmpi-dev), or "
                    "set $BURIN_MPI to the file");
  // Open MPI's own parts are opened later and need its symbols.
  void* handle = dlopen(file->c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!handle)
    return unavailable("cannot open MPI: " + dynamicLinkerError() +
                       "; install it (Debian: libopenmpi3)");
  auto functions =
      reinterpret_cast<decltype(&burinMpi)>(dlsym(handle, "burinMpi"));
  if (!functions)
    return unavailable("'" + *file +
                       "' is not Burin's use of MPI: " + dynamicLinkerError());
  return functions();
}

} // namespace

Result<std::unique_ptr<ProcessGroup>> joinProcesses() {
  const char* variable = launchVariable();
  if (!variable)
    return std::unique_ptr<ProcessGroup>(new SingleProcess);
  Result<const BurinMpi*> mpi = openMpi();
  if (!mpi.ok())
    return mpi.status().within(std::string("this process was started as one "
                                           "of several ($") +
                               variable + " is set)");
  auto group = std::make_unique<MpiGroup>(**mpi);
  BURIN_TRY(group->begin());
  return std::unique_ptr<ProcessGroup>(std::move(group));
}

} // namespace burin
