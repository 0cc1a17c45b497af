// A PacketRing shows what comes in by a device before the host looks at it: packets lie in memory that the kernel fills
// (TPACKET_V2), each with room in front for an outer header, and a look at them makes no system call. Packets that are
// longer than a place of the ring, as super-packets are, come by a call.
//
// Thread safety: one thread takes packets; setFilter(), bindTo(), joinGroup() and takeDrops() are the control thread's.
// Invariant: what take() gave stays as it is, and writable, until release().
#pragma once

#include <linux/filter.h>
#include <linux/if_packet.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/counter.h"
#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

class PacketRing {
 public:
  // Makes the ring for a device whose packets have `mtu` bytes at most; it takes 8 MiB. It sees nothing before it has a
  // filter and is bound. Needs CAP_NET_RAW.
  static Result<std::unique_ptr<PacketRing>> make(uint32_t mtu);
  ~PacketRing();
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;

  // Lets in what the program lets in, from now on.
  Result<void> setFilter(std::span<const sock_filter> program);
  // Sees what comes in by this device, and by no other.
  Result<void> bindTo(int interfaceIndex);
  // Shares the device's packets out over the rings of a group, by their flows. The first has no `group`, and draws its
  // number, which may be 0; returns it. REQUIRES: bindTo()
  Result<uint16_t> joinGroup(std::optional<uint16_t> group);

  // A packet behind its link header; `length` bytes of it are here, of `wholeLength`. There is a virtio header right in
  // front of `link`.
  struct Frame {
    uint8_t *link, *packet;
    uint32_t length, wholeLength;  // bytes from `packet` on
    bool isInQueue;                // the whole of it comes by readLong()
  };
  // Returns the next one; nothing when none has come.
  std::optional<Frame> take();
  // Reads a long packet: virtio header, link header and packet, into room for them; its length, or -1. REQUIRES: take()
  // has shown one that is in the queue
  ssize_t readLong(uint8_t* to, size_t room);
  // Gives all places that take() has shown back to the kernel.
  void release();
  // Returns true when take() has nothing.
  bool isEmpty() const;

  int descriptor() const { return socket_.get(); }
  // Forgets an error of the device, as when it was down for a while.
  void clearError();
  // Returns the number of packets for which there was no room, since the last call.
  uint64_t takeDrops();
  // Counts the packets that take() has shown. Any thread may call this.
  uint64_t taken() const { return taken_.read(); }

 private:
  PacketRing(UniqueFd socket, uint8_t* memory, uint32_t frameBytes)
      : socket_(std::move(socket)), memory_(memory), frameBytes_(frameBytes) {}
  tpacket2_hdr* header(size_t index) const { return reinterpret_cast<tpacket2_hdr*>(memory_ + index * frameBytes_); }
  size_t frames() const;

  UniqueFd socket_;
  uint8_t* memory_;
  const uint32_t frameBytes_;
  Counter taken_;
  size_t next_ = 0, firstTaken_ = 0;  // [firstTaken_, next_) was shown
};

}  // namespace tunvs
