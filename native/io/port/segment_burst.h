// A SegmentBurst hands packets to whoever sends them, and cuts or finishes those whose offload the sender can't take.
// It sends in parts, because one packet may become more than fit into a vector.
//
// Thread safety: none; a SegmentRoom belongs to one worker.
// Invariants:
//  1. Packets are sent in the order in which they were added; a packet's segments stand in its place.
//  2. Each segment has kSegmentHeadroom writable bytes in front of it.
#pragma once

#include <cassert>
#include <memory>
#include <utility>

#include "packet/finish_checksum.h"
#include "packet/packet_vector.h"
#include "packet/segmenter.h"

namespace tunvs {

inline constexpr size_t kSegmentHeadroom = 16;  // a link header or a virtio header, which an egress may write

// The storage of bursts, which is used again by each.
struct SegmentRoom {
  // A vector of segments of 1,500 bytes, or the longest packet.
  static constexpr size_t kBytes = 112 * 1024;
  static_assert(kBytes >= kMaxPacketBytes + 2 * kSegmentHeadroom + 128);

  OutputPacket packets[kVectorSize];
  std::unique_ptr<uint8_t[]> bytes;  // null until something is cut
};

// `Send` takes std::span<const OutputPacket>, at most kVectorSize at a time, and has sent them when it returns.
template <typename Send>
class SegmentBurst {
 public:
  SegmentBurst(SegmentRoom& room, Send send) : room_(room), send_(std::move(send)) {}
  ~SegmentBurst() { assert(count_ == 0); }
  SegmentBurst(const SegmentBurst&) = delete;
  SegmentBurst& operator=(const SegmentBurst&) = delete;

  void add(const OutputPacket& packet) {
    if (count_ == kVectorSize) flush();
    room_.packets[count_++] = packet;
  }

  // Adds what becomes of a packet with an offload. Returns how many packets that is; 0 when the offload contradicts the
  // packet.
  size_t addFinished(const OutputPacket& packet) {
    return packet.offload.segmentBytes == 0 ? addWithChecksum(packet) : addSegments(packet);
  }

  void flush() {
    if (count_ != 0) send_(std::span<const OutputPacket>(room_.packets, count_));
    count_ = 0;
    used_ = 0;
  }

 private:
  size_t addWithChecksum(const OutputPacket& packet) {
    const Offload& offload = packet.offload;
    if (!finishChecksum({packet.data, packet.length}, offload.checksumStart, offload.checksumField())) return 0;
    add({packet.data, packet.length, packet.nextHop});
    return 1;
  }

  size_t addSegments(const OutputPacket& packet) {
    Segmenter segments(packet);
    if (room_.bytes == nullptr) room_.bytes = std::make_unique_for_overwrite<uint8_t[]>(SegmentRoom::kBytes);
    // An odd number of cache lines, as in PacketVector.
    const size_t stride = (((kSegmentHeadroom + segments.longestBytes() + 63) / 64) | 1) * 64;
    while (!segments.isDone()) {
      if (count_ == kVectorSize || used_ + stride > SegmentRoom::kBytes) flush();
      uint8_t* const to = room_.bytes.get() + used_ + kSegmentHeadroom;
      const size_t length = segments.next({to, segments.longestBytes()});
      used_ += stride;
      room_.packets[count_++] = {to, static_cast<uint32_t>(length), packet.nextHop};
    }
    return segments.count();
  }

  SegmentRoom& room_;
  Send send_;
  size_t count_ = 0;
  size_t used_ = 0;  // bytes
};

}  // namespace tunvs
