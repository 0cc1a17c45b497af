// A RingQueue is a device's queue over a ring of packets that the host has not routed: it counts the hop of each, as
// the host would have done, and cuts the padding of short frames.
//
// Thread safety: as DeviceQueue; drops() may come from any thread.
#pragma once

#include <memory>

#include "core/counter.h"
#include "io/port/device.h"
#include "io/port/vnet_reads.h"
#include "io/ring/packet_ring.h"

namespace tunvs {

class RingQueue final : public DeviceQueue {
 public:
  // Packets that are not still to be cut have `maxPacketBytes` at most.
  RingQueue(std::unique_ptr<PacketRing> ring, size_t maxPacketBytes) : ring_(std::move(ring)), reads_(maxPacketBytes) {}

  PacketRing& ring() { return *ring_; }
  Result<size_t> receive(PacketVector& vector) override;
  int pollDescriptor() const override { return ring_->descriptor(); }
  bool isDrained() const override { return isDrained_; }
  uint64_t oversized() const override { return reads_.oversized(); }
  ReadCounts readCounts() const override { return reads_.counts(); }

 private:
  bool take(const PacketRing::Frame& frame, PacketVector& vector, Packet& packet);

  std::unique_ptr<PacketRing> ring_;
  VnetReads reads_;
  bool isDrained_ = false;
};

// Makes a packet that came in what it is once the host has forwarded it; one that is no whole IP packet stays as it is.
// REQUIRES: no IP packet is at its last hop
void countHop(Packet& packet);

}  // namespace tunvs
