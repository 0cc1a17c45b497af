// A TcpMerger puts TCP segments of one flow that follow one another together again, as the kernel's receive offload
// (GRO) does: the inverse of the Segmenter. The host's stack then does once what it would have done for each segment.
//
// It takes a batch of packets and gives units: each is one packet as it was added, or several merged into one that is
// still to be cut (packet/offload.h). No byte of payload is copied, and no added packet is changed.
//
// Thread safety: pure; a TcpMerger belongs to one thread.
// Invariants:
//  1. Each added packet is in one unit. In the order of the units, packets of one flow stand as they were added.
//  2. Where the Segmenter cuts a merged packet, the packets that were merged come out byte for byte, except for the
//     identifications of IPv4 packets with DF, which then have no meaning (RFC 6864).
//  3. Only packets whose checksums are right are merged: a merged packet is believed without another look.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/offload.h"
#include "packet/tcp_segment.h"

namespace tunvs {

class TcpMerger {
 public:
  static constexpr size_t kMaxPackets = 512;       // of a batch
  static constexpr size_t kMostMerged = 64;        // into one packet; Linux merges no more frames into one either
  static constexpr size_t kMostFlows = 8;          // that packets are merged of at a time
  static constexpr size_t kMostHeaderBytes = 100;  // IPv6 and TCP with all of its options

  // A packet as a list of parts, one behind another. It holds until the next call of this object.
  struct Merged {
    Offload offload;  // none for a packet that is as it was added
    std::span<const std::span<const uint8_t>> parts;
    size_t bytes = 0;  // of all parts
  };

  bool isFull() const { return packetCount_ == kMaxPackets; }
  // Adds a whole IP packet, which must outlive the batch. REQUIRES: !isFull()
  void add(std::span<const uint8_t> packet);
  // Ends the batch: there are no units any more.
  void clear();

  size_t unitCount() const { return unitCount_; }
  // REQUIRES (all three): unit < unitCount()
  size_t packetsOf(size_t unit) const { return units_[unit].count; }
  Merged merged(size_t unit);
  // Calls `each` with the packets of a unit as they were added, in order.
  template <typename Each>
  void forEachPacket(size_t unit, Each each) const {
    for (uint16_t at = units_[unit].first; at != kNone; at = packets_[at].next) each(packets_[at].bytes);
  }

 private:
  static constexpr uint16_t kNone = 0xffff;

  struct Added {
    std::span<const uint8_t> bytes;
    uint16_t next;  // of the same unit, or kNone
  };
  struct Unit {
    uint16_t first, last;  // of packets_
    uint16_t count;
    bool isVerified;     // the first packet's checksum; the others' always are
    uint32_t bytes;      // of the merged packet
    TcpSegment segment;  // the first; holds only where packets may join
  };

  uint16_t* openUnitOf(const TcpSegment& segment);
  bool joins(Unit& unit, const TcpSegment& segment) const;
  uint16_t append(std::span<const uint8_t> packet);
  void open(uint16_t unit, const TcpSegment& segment);

  size_t packetCount_ = 0, unitCount_ = 0, nextFlow_ = 0;
  // Units that packets may join: each is the last of its flow. They take turns in making room for another flow.
  std::array<uint16_t, kMostFlows> open_ = noUnits();
  std::array<Added, kMaxPackets> packets_;
  std::array<Unit, kMaxPackets> units_;
  std::array<uint8_t, kMostHeaderBytes> header_;
  std::array<std::span<const uint8_t>, kMostMerged + 1> parts_;

  static constexpr std::array<uint16_t, kMostFlows> noUnits() {
    std::array<uint16_t, kMostFlows> none{};
    none.fill(kNone);
    return none;
  }
};

}  // namespace tunvs
