// A RawEgress sends whole IP packets through raw sockets; the kernel routes them, resolves the neighbour and applies
// its output rules.
//
// Thread safety: as Egress.
// The kernel changes the packets (measured on Linux 6.18): it fills in the header checksum, an id of 0 when DF is
// clear, and a source of 0.0.0.0. If DF is clear, it fragments a packet that is longer than the route's MTU but no
// longer than the link's. A packet longer than the link's MTU is always EMSGSIZE (`tooLong` here).
#pragma once

#include <memory>

#include "io/os/unique_fd.h"
#include "io/port/egress.h"
#include "io/port/send_each.h"

namespace tunvs {

class RawEgress final : public Egress {
 public:
  // Needs CAP_NET_RAW. On a host without IPv6 the egress counts IPv6 packets as noRoute.
  static Result<std::unique_ptr<RawEgress>> open(SendMany sendMany = ::sendmmsg);

  std::string_view name() const override { return "raw"; }
  SendResult send(std::span<const OutputPacket> packets) override;

 private:
  RawEgress(UniqueFd ipv4, UniqueFd ipv6, SendMany sendMany)
      : ipv4_(std::move(ipv4)), ipv6_(std::move(ipv6)), sendMany_(sendMany) {}
  // REQUIRES: packets.size() <= kVectorSize, and all are of the IP version `family`
  void sendRun(Family family, std::span<const OutputPacket> packets, SendResult& result);

  UniqueFd ipv4_;
  UniqueFd ipv6_;  // empty when none can be had
  SendMany sendMany_;
};

}  // namespace tunvs
