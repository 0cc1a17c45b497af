// Devices in memory: one takes packets from a test, the other repeats a fixed set for benchmarks.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "io/port/device.h"

namespace tunvs {

// The test pushes packets in, and they come out in order.
// Thread safety: any thread calls push() and waiting(); a queue's worker calls its receive().
class MemoryDevice final : public Device {
 public:
  explicit MemoryDevice(size_t queues, size_t maxPacketBytes = kMaxPacketBytes);
  ~MemoryDevice() override;

  // Also wakes whoever polls the queue. REQUIRES: queue < queueCount()
  void push(size_t queue, std::span<const uint8_t> packet);
  // Makes receive() fail from now on, as that of a deleted TUN device does.
  void breakQueue(size_t queue);
  // Counts the packets that were pushed and not received yet.
  size_t waiting(size_t queue) const;

  const std::string& name() const override { return name_; }
  size_t queueCount() const override { return queues_.size(); }
  DeviceQueue& queue(size_t index) override;
  size_t maxPacketBytes() const override { return maxPacketBytes_; }

 private:
  class Queue;
  std::string name_ = "memory";
  size_t maxPacketBytes_;
  std::vector<std::unique_ptr<Queue>> queues_;
};

// Has one queue that gives the same packets over and over, at the cost of one copy each. It never has to be waited for.
class RepeatingDevice final : public Device, private DeviceQueue {
 public:
  // Gives `packets` in order, `rounds` times. REQUIRES: none is longer than maxPacketBytes
  RepeatingDevice(std::span<const std::vector<uint8_t>> packets, uint64_t rounds,
                  size_t maxPacketBytes = kMaxPacketBytes);

  const std::string& name() const override { return name_; }
  size_t queueCount() const override { return 1; }
  DeviceQueue& queue(size_t) override { return *this; }
  size_t maxPacketBytes() const override { return maxPacketBytes_; }

 private:
  struct Slice {
    size_t offset;
    uint32_t length;
  };

  Result<size_t> receive(PacketVector& vector) override;
  int pollDescriptor() const override { return -1; }

  std::string name_ = "repeating";
  size_t maxPacketBytes_;
  uint64_t roundsLeft_;
  size_t next_ = 0;
  std::vector<uint8_t> bytes_;  // all packets, one after another
  std::vector<Slice> slices_;
};

}  // namespace tunvs
