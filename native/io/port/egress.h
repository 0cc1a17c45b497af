// Packets go out by an egress. Each worker owns one.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "core/result.h"
#include "packet/output_packet.h"

namespace tunvs {

// Counts what became of the packets of one send(): sent + the drops is the number handed in, or more, as each segment
// counts of a packet that the egress cuts or has cut for the wire.
struct SendResult {
  size_t sent = 0;
  size_t noBuffer = 0;  // the socket's or device's queue was full
  size_t noRoute = 0;   // no route or no neighbour to the next hop
  size_t tooLong = 0;   // longer than the path's MTU
  size_t failed = 0;    // any other error

  size_t segmentsMade = 0;  // how many of them all are segments of packets that the egress cut or has cut

  size_t handed() const { return sent + noBuffer + noRoute + tooLong + failed; }
};

class Egress {
 public:
  virtual ~Egress() = default;
  virtual std::string_view name() const = 0;

  // Sends in order, without blocking. A packet that can't be sent is dropped and counted. May write into the packets,
  // and into the 14 bytes in front of each.
  virtual SendResult send(std::span<const OutputPacket> packets) = 0;

  // Returns true when it takes this packet with its offload. If not, it is given what the packet becomes when that is
  // finished. REQUIRES: the packet has an offload
  virtual bool canOffload(const OutputPacket&) const { return false; }
  // Returns true when it sends GUE in trains, as far as the kernel cuts them.
  virtual bool sendsTrains() const { return false; }
  // Counts the packets whose offload was refused when they were sent, which were finished and sent again.
  virtual uint64_t offloadsRefused() const { return 0; }

  // Does the same for the director's own answers to clients. Anybody chooses their addresses, so an egress keeps
  // nothing about such next hops: a stranger's choice must not displace what is known of real servers.
  virtual SendResult sendAnswers(std::span<const OutputPacket> packets) { return send(packets); }
};

}  // namespace tunvs
