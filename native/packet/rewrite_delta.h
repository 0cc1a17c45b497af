// A RewriteDelta rewrites the packets of one direction of one connection over IPv4: it keeps what they become, and what
// difference that makes to their checksums, so that nothing is summed for each packet. It does for TCP what rewrite()
// of packet/rewrite.h does for all, in 3.2 ns instead of 5.6 (AMD EPYC, gcc 12, -O3).
//
// Thread safety: pure; a RewriteDelta does not change.
#pragma once

#include <cassert>

#include "packet/rewrite.h"

namespace tunvs {

class RewriteDelta {
 public:
  // Such a delta is a place for another: nothing may be rewritten by it.
  RewriteDelta() = default;
  // `from` is what the endpoints of all packets are. REQUIRES: IPv4 in both
  RewriteDelta(const Endpoints& from, const Endpoints& to)
      : source_(to.source.address.asV4()),
        destination_(to.destination.address.asV4()),
        sourcePort_(to.source.port),
        destinationPort_(to.destination.port) {
    assert(from.source.address.isV4() && from.destination.address.isV4());
    assert(to.source.address.isV4() && to.destination.address.isV4());
    const uint64_t addresses = uint64_t{~from.source.address.asV4().raw} + ~from.destination.address.asV4().raw +
                               source_.raw + destination_.raw;
    const uint64_t ports = uint64_t{static_cast<uint16_t>(~from.source.port.raw)} +
                           static_cast<uint16_t>(~from.destination.port.raw) + sourcePort_.raw + destinationPort_.raw;
    addresses_ = checksumFold(addresses);
    transport_ = checksumFold(addresses + ports);
  }

  // Tells whether rewriteTcp() takes this packet.
  static bool takes(const ParsedPacket& parsed) {
    return parsed.protocol == static_cast<uint8_t>(IpProtocol::tcp) && parsed.key.isV4() && parsed.offload.isNone() &&
           parsed.packetClass == PacketClass::flow;
  }

  // REQUIRES: takes(parsed); `parsed` was parsed from these bytes, whose endpoints are those that this was made from
  void rewriteTcp(uint8_t* packet, const ParsedPacket& parsed) const {
    assert(takes(parsed));
    updateChecksum(packet + kIpv4Check, addresses_);
    std::memcpy(packet + kIpv4Addresses, &source_, sizeof source_);
    std::memcpy(packet + kIpv4Addresses + 4, &destination_, sizeof destination_);
    uint8_t* const tcp = packet + parsed.transport;
    std::memcpy(tcp, &sourcePort_, sizeof sourcePort_);
    std::memcpy(tcp + 2, &destinationPort_, sizeof destinationPort_);
    updateChecksum(tcp + kTcpCheck, transport_);
  }

 private:
  Be32 source_, destination_;
  Be16 sourcePort_, destinationPort_;
  // Differences of the sums, folded; 0 and 0xffff are the same number, and these are never 0.
  uint16_t addresses_ = 0xffff, transport_ = 0xffff;
};
static_assert(sizeof(RewriteDelta) == 16);

}  // namespace tunvs
