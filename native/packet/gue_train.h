// A GueTrain puts the segments of a GUE packet that is still to be cut (packet/offload.h) one behind another into one
// UDP packet, which the kernel cuts into the datagrams again: each has a GUE header and a whole inner packet, and is as
// long as the others but for the last. So a segment costs the kernel little more than its bytes.
//
// The kernel cuts a UDP packet only if it makes the checksums of the datagrams as well, and it counts the outer IPv4
// identification up whether DF is set or not. In both the datagrams differ from those of IPVS, which has no outer UDP
// checksum by default: a train is only for those who asked for it.
//
// Thread safety: pure; a GueTrain belongs to one thread.
// Invariants:
//  1. The datagrams that the kernel cuts are the Segmenter's segments, except for identifications behind DF.
//  2. A train has at most kMaxDatagrams datagrams and kMaxPacketBytes bytes.
#pragma once

#include <span>

#include "core/header_bytes.h"
#include "packet/packet_vector.h"
#include "packet/segmenter.h"

namespace tunvs {

class GueTrain {
 public:
  static constexpr size_t kMaxDatagrams = 64;  // UDP_MAX_SEGMENTS before Linux 6.9

  // The bytes of `packet` must outlive this object.
  explicit GueTrain(const OutputPacket& packet);

  // Returns false for what can't go as a train: it is no GUE packet, has a tunnel checksum that somebody has made
  // already, has IPv4 options in its outer header, or can't be cut.
  bool isPossible() const { return perTrain_ != 0; }
  bool isDone() const { return inner_.isDone(); }
  size_t datagrams() const { return datagrams_; }  // of the last train
  // Returns the length of the longest datagram, with its headers. REQUIRES: isPossible()
  size_t longestBytes() const { return repeatedBytes() + datagramBytes_; }

  // Makes the next train at the front of `room`, with the offload that says how it is to be cut. REQUIRES:
  // isPossible(); !isDone(); room.size() >= kMaxPacketBytes
  Packet next(std::span<uint8_t> room);

 private:
  // Of the headers that a segment has, and a datagram within a train has not.
  size_t repeatedBytes() const { return ipBytes_ + kUdpHeaderBytes; }
  void finishHeaders(uint8_t* ip, size_t bytes, size_t before) const;

  const uint8_t* packet_;
  size_t ipBytes_;            // of the outer IP header; 0 when there is none in front of UDP
  size_t gueBytes_;           // of the GUE header, with its options
  Segmenter inner_;           // of the packet behind all of these
  size_t datagramBytes_ = 0;  // behind the UDP header; of every datagram but the last
  size_t perTrain_ = 0;
  size_t datagrams_ = 0;
  size_t made_ = 0;  // datagrams, in all trains
};

}  // namespace tunvs
