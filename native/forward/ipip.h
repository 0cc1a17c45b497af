// IP in IP puts an IP header in front of the packet and nothing else, filled as IPVS fills it: IPv4 in IPv4 (RFC 2003),
// IPv6 in IPv4 (RFC 4213), and either in IPv6 (RFC 2473, without a tunnel encapsulation limit).
//
// The TTL and, for IPv4 in IPv4, DF are copied from the inner packet. The TOS is copied, but CE becomes ECT(0). With DF
// the identification is 0 (RFC 6864 section 4.1 allows any value for atomic packets).
#pragma once

#include "forward/outer_header.h"

namespace tunvs {

OuterHeader makeIpipHeader(Family inner, const IpAddress& source, const IpAddress& server);
inline OuterHeader makeIpipHeader(const IpAddress& source, const IpAddress& server) {
  return makeIpipHeader(Family::ipv4, source, server);
}

// Takes any family in any family.
Packet encapsulateIpip(const OuterHeader& outer, uint8_t* inner, const EncapInput& in);

// Takes IPv4 in IPv4, for the established path alone. `parsed` describes the packet at `inner`.
inline Packet encapsulateIpip(const OuterHeader& outer, uint8_t* inner, const ParsedPacket& parsed,
                              uint16_t identification, bool pmtuDisc = true) {
  uint8_t* p = inner - kIpv4HeaderBytes;
  const uint32_t totalBytes = parsed.length + kIpv4HeaderBytes;
  writeOuterIpv4(outer, p, totalBytes, parsed.trafficClass, parsed.ttl, identification, parsed.dontFragment & pmtuDisc);
  return {p, totalBytes};
}

}  // namespace tunvs
