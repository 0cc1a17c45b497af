// What a ring takes of the protocols behind an IP header, for the socket's filter and for the rule that keeps it from
// the host. Others may come as packets that are still to be cut in a way that a ring can't say, at which it would halt.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <vector>

namespace tunvs {

constexpr uint8_t kRingFragment6 = 44;  // RFC 8200 section 4.5
// Neighbours' messages have it, and no router passes them on (RFC 4861).
constexpr uint8_t kNeighbourHops = 255;

// In the order of what comes most. Of ICMPv6 a ring takes what has fewer hops left than kNeighbourHops.
inline std::vector<uint8_t> ringProtocols(bool isV4, bool takesUdp) {
  std::vector<uint8_t> all{IPPROTO_TCP};
  if (takesUdp) all.push_back(IPPROTO_UDP);
  all.push_back(isV4 ? uint8_t{IPPROTO_ICMP} : uint8_t{IPPROTO_ICMPV6});
  if (!isV4) all.push_back(kRingFragment6);
  return all;
}

}  // namespace tunvs
