// The queue of a TUN device, in two kinds: one reads packets as they are, and one behind virtio headers, which say what
// is still to be done to a packet.
//
// Thread safety: as DeviceQueue.
#pragma once

#include <memory>
#include <string>

#include "io/os/unique_fd.h"
#include "io/port/device.h"

namespace tunvs {

// `deviceName` outlives the queue. Packets that are not still to be cut have `maxPacketBytes` at most.
std::unique_ptr<DeviceQueue> makeTunQueue(UniqueFd fd, const std::string& deviceName);
std::unique_ptr<DeviceQueue> makeTunQueueWithHeaders(UniqueFd fd, const std::string& deviceName, size_t maxPacketBytes);

}  // namespace tunvs
