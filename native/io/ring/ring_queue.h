// A RingQueue is a device's queue over a ring of packets that the host has not routed: it counts the hop of each, as
// the host would have done, and cuts the padding of short frames.
//
// Thread safety: as DeviceQueue; any thread calls dropped(), and one control thread what is about replacing a ring.
#pragma once

#include <atomic>
#include <memory>

#include "core/counter.h"
#include "io/port/device.h"
#include "io/port/vnet_reads.h"
#include "io/ring/packet_ring.h"

namespace tunvs {

class RingQueue final : public DeviceQueue {
 public:
  explicit RingQueue(std::unique_ptr<PacketRing> ring) : ring_(std::move(ring)), reads_(kMaxPacketBytes) {}
  ~RingQueue() override {
    delete next_.load();
    delete replaced_.load();
  }

  // Has the worker take packets of another ring, from its next look on.
  void replace(std::unique_ptr<PacketRing> ring) {
    delete next_.exchange(ring.release());
    isPaused_.store(false, std::memory_order_release);
  }
  // Has the worker throw away what comes, until there is another ring.
  void pause() { isPaused_.store(true, std::memory_order_release); }
  // Closes a ring that the worker has let go of, which may take some milliseconds.
  void closeReplaced() { delete replaced_.exchange(nullptr); }
  // Counts long packets that were lost, as the socket had no room for them.
  uint64_t dropped() const { return dropped_.read(); }
  Result<size_t> receive(PacketVector& vector) override;
  int pollDescriptor() const override { return ring_->descriptor(); }
  bool isDrained() const override { return isDrained_; }
  bool allowsNaps() const override { return true; }
  uint64_t oversized() const override { return reads_.oversized(); }
  ReadCounts readCounts() const override { return reads_.counts(); }

 private:
  size_t throwAway();
  bool take(const PacketRing::Frame& frame, PacketVector& vector, Packet& packet);

  static constexpr unsigned kLooksPerError = 64;

  std::unique_ptr<PacketRing> ring_;
  std::atomic<PacketRing*> next_{nullptr};      // what replace() gave
  std::atomic<PacketRing*> replaced_{nullptr};  // what it was in place of
  std::atomic<bool> isPaused_{false};
  VnetReads reads_;
  Counter dropped_;
  bool isDrained_ = false;
  unsigned looksInVain_ = 0;
};

// Makes a packet that came in what it is once the host has forwarded it; one that is no whole IP packet stays as it is.
// REQUIRES: no IP packet is at its last hop
void countHop(Packet& packet);

}  // namespace tunvs
