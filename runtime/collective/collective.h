// SPDX-License-Identifier: Apache-2.0
// Sums of what lies in the devices of a group's processes.
#pragma once

#include <memory>

#include "runtime/collective/process_group.h"
#include "runtime/device/device.h"

namespace burin {

class Collective {
public:
  virtual ~Collective() = default;
  virtual int size() const = 0; // processes
  // Each element becomes its sum over all processes, the same bits everywhere,
  // in the order of the device's work: after what is in its queue already,
  // and before what is enqueued from then on. Called by all, in the same order.
  virtual Status sum(float* values, size_t count) = 0;
};

// Through the group itself where the device shares the host's memory, through
// NCCL between cards. Called by all processes; device and group must outlive
// it.
Result<std::unique_ptr<Collective>> openCollective(Device& device,
                                                   ProcessGroup& group);

} // namespace burin
