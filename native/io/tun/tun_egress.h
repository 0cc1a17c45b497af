// A TunEgress writes packets back into the TUN device, and the host's routing sends them on. It needs nothing but the
// open device, but the device needs accept_local=1, since the packets' source is an address of this host.
//
// If the device has a virtio header, packets without an outer header may have an offload. The kernel takes packets that
// are still to be cut behind an outer header as well, and then loses them without a word. What it refuses is finished
// and written again, and no more such packets are taken.
//
// Thread safety: as Egress.
#pragma once

#include <unistd.h>

#include <atomic>

#include "io/port/egress.h"
#include "io/port/segment_burst.h"

namespace tunvs {

class TunEgress final : public Egress {
 public:
  using Write = ssize_t (*)(int fd, const void* bytes, size_t length);

  // `descriptor` is a queue of the device, which outlives this egress. `write` is write(2), or a test's stand-in for
  // it.
  explicit TunEgress(int descriptor, bool hasVnetHeader, Write write = ::write)
      : descriptor_(descriptor), hasVnetHeader_(hasVnetHeader), canOffload_(hasVnetHeader), write_(write) {}

  std::string_view name() const override { return "tun"; }
  SendResult send(std::span<const OutputPacket> packets) override;
  bool canOffload(const OutputPacket& packet) const override { return canOffload_ && packet.outerBytes == 0; }
  uint64_t offloadsRefused() const override { return offloadsRefused_.load(std::memory_order_relaxed); }

 private:
  bool write(const OutputPacket& packet);
  void finishAndWrite(const OutputPacket& packet, SendResult& result);

  int descriptor_;
  bool hasVnetHeader_;
  bool canOffload_;
  Write write_;
  std::atomic<uint64_t> offloadsRefused_{0};  // written by the worker, read by the control thread
  SegmentRoom room_;
};

}  // namespace tunvs
