// Takes packets that were read behind virtio headers, and counts what can't be taken.
//
// Thread safety: the worker takes; any thread reads the counts.
#pragma once

#include <atomic>

#include "core/counter.h"
#include "io/port/device.h"
#include "packet/vnet_header.h"

namespace tunvs {

class VnetReads {
 public:
  // Packets that are not still to be cut have `maxPacketBytes` at most.
  explicit VnetReads(size_t maxPacketBytes) : maxPacketBytes_(maxPacketBytes) {}

  // Gives `packet` the offload that the header in front of it says. Returns false for one that is to be left out, which
  // is counted. `room` is the length of the longest that could be read whole.
  bool take(Packet& packet, size_t room) {
    if (packet.length > room) {
      oversized_.add(1);
      return false;
    }
    if (!readVnetHeader(packet)) [[unlikely]] {
      badOffloads_.add(1);
      return false;
    }
    if (packet.offload.segmentBytes != 0) {
      superPackets_.add(1);
    } else if (packet.length > maxPacketBytes_) [[unlikely]] {
      oversized_.add(1);
      return false;
    }
    return true;
  }
  void addBadOffload() { badOffloads_.add(1); }
  void addOversized() { oversized_.add(1); }

  uint64_t oversized() const { return oversized_.read(); }
  ReadCounts counts() const { return {superPackets_.read(), badOffloads_.read()}; }

 private:
  const size_t maxPacketBytes_;
  Counter oversized_, superPackets_, badOffloads_;
};

}  // namespace tunvs
