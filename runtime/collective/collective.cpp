// SPDX-License-Identifier: Apache-2.0
// The group as a device's collective, and the choice.
#include "runtime/collective/collective.h"

#include "runtime/collective/nccl.h"
#include "runtime/device/cuda/cuda_device.h"

namespace burin {
namespace {

class HostCollective final : public Collective {
public:
  HostCollective(Device& device, ProcessGroup& group)
      : device_(device), group_(group) {}

  int size() const override { return group_.size(); }
  Status sum(float* values, size_t count) override {
    BURIN_TRY(device_.synchronize());
    return group_.sum({values, count});
  }

private:
  Device& device_;
  ProcessGroup& group_;
};

} // namespace

Result<std::unique_ptr<Collective>> openCollective(Device& device,
                                                   ProcessGroup& group) {
  if (device.sharesMemory())
    return std::unique_ptr<Collective>(new HostCollective(device, group));
  auto* card = dynamic_cast<CudaDevice*>(&device);
  if (!card)
    return unimplemented("nothing sums between processes on the device '" +
                         std::string(device.name()) + "'");
  return nccl::open(*card, group);
}

} // namespace burin
