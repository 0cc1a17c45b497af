// A TunDevice is a TUN device with one queue (one descriptor) per worker: the director reads what the kernel routes
// into it.
//
// Thread safety: as Device.
// Invariants:
//  1. Descriptors are non-blocking and close-on-exec.
//  2. A device that open() created disappears with this object; one that it attached to stays.
//  3. A device that stays is steered by the kernel again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/os/unique_fd.h"
#include "io/port/device.h"
#include "io/tun/queue_steering.h"
#include "io/tun/tun_offload.h"

namespace tunvs {

struct TunOptions {
  std::string name = "tunvs%d";             // at most 15 bytes; %d: the first free number
  size_t queues = 1;                        // [1, 256]
  size_t maxPacketBytes = kMaxPacketBytes;  // of a packet that is not still to be cut
  OffloadChoice offloads = OffloadChoice::off();
  bool steersByProgram = true;  // false: the kernel steers
  // The queues as another process has opened them, which uses them no more; this device has descriptors of its own for
  // them. It stays steered as it is. Empty: the device is opened.
  std::vector<int> given = {};
  bool wasAttached = false;  // that process had attached to the device
};

class TunDevice final : public Device {
 public:
  // Attaches to the device of that name if it exists, and creates it otherwise. The host set-up has to bring it up and
  // give it addresses and routes; the queue length of a device that existed before is left to it as well.
  static Result<std::unique_ptr<TunDevice>> open(const TunOptions& options);
  ~TunDevice() override;

  const std::string& name() const override { return name_; }
  size_t queueCount() const override { return queues_.size(); }
  DeviceQueue& queue(size_t index) override;
  size_t maxPacketBytes() const override { return offloads_.hasSuperPackets() ? kMaxPacketBytes : maxPacketBytes_; }

  bool attached() const { return isAttached_; }
  const TunOffloads& offloads() const { return offloads_; }
  // Says what chooses a packet's queue.
  Steering steering() const { return steering_; }
  // Another process has the device from now on: nothing of it is put back when this object goes.
  void leave() { isLeft_ = true; }
  // Returns a descriptor for an egress that writes packets back; this object still owns it. REQUIRES: index <
  // queueCount()
  int descriptor(size_t index) const;

 private:
  static Result<std::unique_ptr<TunDevice>> adopt(const TunOptions& options);
  Result<void> makeQueues(std::vector<UniqueFd> descriptors, const TunOptions& options);
  TunDevice(std::string name, bool isAttached, size_t maxPacketBytes);
  void steer(bool byProgram);

  std::string name_;
  bool isAttached_;
  bool isLeft_ = false;
  size_t maxPacketBytes_;
  TunOffloads offloads_;
  Steering steering_ = Steering::none;
  std::vector<std::unique_ptr<DeviceQueue>> queues_;
};

}  // namespace tunvs
