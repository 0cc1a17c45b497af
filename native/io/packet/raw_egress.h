// Sends whole IP packets through raw sockets; the kernel routes them, resolves the neighbour and applies its output
// rules.
//
// Thread safety: as Egress.
// What the kernel does to them (measured on Linux 6.18): it fills in the header checksum, an id of 0 when DF is clear,
// and a source of 0.0.0.0. It cuts a packet into fragments when DF is clear and it is longer than the route's MTU but
// no longer than the link's; longer than the link's is EMSGSIZE always (`tooLong` here).
#pragma once

#include <memory>

#include "io/os/unique_fd.h"
#include "io/port/egress.h"
#include "io/port/send_each.h"

namespace tunvs {

class RawEgress final : public Egress {
 public:
  // Needs CAP_NET_RAW. A host without IPv6 gets an egress that counts IPv6 packets as noRoute.
  static Result<std::unique_ptr<RawEgress>> open(SendMany sendMany = ::sendmmsg);

  std::string_view name() const override { return "raw"; }
  SendResult send(std::span<const OutputPacket> packets) override;

 private:
  RawEgress(UniqueFd ipv4, UniqueFd ipv6, SendMany sendMany)
      : ipv4_(std::move(ipv4)), ipv6_(std::move(ipv6)), sendMany_(sendMany) {}
  // REQUIRES: packets.size() <= kVectorSize, and all are of one IP version, which is `family`
  void sendRun(Family family, std::span<const OutputPacket> packets, SendResult& result);

  UniqueFd ipv4_;
  UniqueFd ipv6_;  // empty: none to be had
  SendMany sendMany_;
};

}  // namespace tunvs
