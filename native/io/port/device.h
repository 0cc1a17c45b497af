// Packets come from a device, which has one or more queues; each worker owns one queue.
//
// Thread safety: a queue belongs to one worker; the control thread opens and closes the device itself.
#pragma once

#include <memory>
#include <string>

#include "core/result.h"
#include "packet/packet_vector.h"

namespace tunvs {

// Counts what a queue read and what it would not take. The worker counts; the control thread reads.
struct ReadCounts {
  uint64_t superPackets = 0;  // packets that are still to be cut
  uint64_t badOffloads = 0;   // packets dropped because their offload contradicts them
};

class DeviceQueue {
 public:
  virtual ~DeviceQueue() = default;

  // Resets `vector` and fills it with the packets that wait, without blocking.
  // Returns the number of packets read, [0, kVectorSize]; 0 when nothing waits; an Error when the device is gone.
  // A packet longer than vector.maxPacketBytes() is dropped and counted in oversized().
  virtual Result<size_t> receive(PacketVector& vector) = 0;

  // Returns a descriptor that becomes readable when packets wait; -1 when receive() never has to be waited for.
  virtual int pollDescriptor() const = 0;

  // Tells whether the last receive() found that no more packets wait. A worker then waits for the descriptor at once,
  // and spares a call that would say so again.
  virtual bool isDrained() const { return false; }

  // Tells whether what waits lies in memory until it is looked at, and has room there for a good while: a worker may
  // then nap while packets come densely, in place of being woken up for each.
  virtual bool allowsNaps() const { return false; }

  virtual uint64_t oversized() const { return 0; }
  virtual ReadCounts readCounts() const { return {}; }
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const std::string& name() const = 0;
  virtual size_t queueCount() const = 0;
  virtual DeviceQueue& queue(size_t index) = 0;  // index < queueCount()
  virtual size_t maxPacketBytes() const = 0;     // the longest packet that receive() will deliver
};

}  // namespace tunvs
