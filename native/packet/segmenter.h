// A Segmenter cuts a packet that is still to be cut (packet/offload.h) into the packets that the kernel would make of
// it, behind whatever outer header the director put in front: Linux's tcp_gso_segment() and __udp_gso_segment().
//
// Thread safety: pure; a Segmenter belongs to one thread.
// Invariants:
//  1. The payloads, one after another, are the packet's payload; all but the last have segmentBytes bytes.
//  2. Lengths, identifications, sequence numbers and checksums of all headers are right in each segment, provided that
//     the packet's own header and the unfinished checksum were.
//  3. FIN and PSH are kept in the last segment alone, CWR in the first alone; all other flags and options in each.
//  4. Whatever the bytes are, it reads nothing beyond the packet, and writes nothing beyond longestBytes().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "packet/output_packet.h"

namespace tunvs {

class Segmenter {
 public:
  // The bytes of `packet` must outlive this object.
  explicit Segmenter(const OutputPacket& packet);

  // Returns 0 when the packet can't be cut: its offload is of another kind, or is none that its headers allow.
  size_t count() const { return count_; }
  size_t longestBytes() const { return longestBytes_; }
  bool isDone() const { return made_ == count_; }

  // Writes the next segment to the front of `room` and returns its length. REQUIRES: !isDone(); room.size() >=
  // longestBytes()
  size_t next(std::span<uint8_t> room);

 private:
  bool readHeaders(const Offload& offload);
  void writeIp(uint8_t* ip, size_t bytes, bool changesId) const;
  void writeOuter(uint8_t* outer, size_t bytes) const;
  void writeTcp(uint8_t* tcp) const;
  void sealOuter(uint8_t* outer, size_t bytes) const;

  const uint8_t* packet_;
  size_t length_;
  size_t outerBytes_;           // in front of the packet's own IP header
  size_t transport_;            // offset of the transport header
  size_t headerBytes_ = 0;      // all headers, [transport_ + 8, 315]
  size_t segmentBytes_;         // payload of every segment but the last
  uint32_t checksumField_ = 0;  // offset from transport_ on
  bool isTcp_ = false;
  bool sealsOuter_;
  uint64_t unfinished_ = 0;  // the sum in the checksum field, without the length that it covers
  size_t count_ = 0;
  size_t longestBytes_ = 0;
  size_t made_ = 0;
};

}  // namespace tunvs
