// IPIP (RFC 2003): an IPv4 header in front of the IPv4 packet, filled as IPVS fills it.
//
// TTL and DF are the inner packet's; TOS is the inner packet's but CE becomes ECT(0); the identification is 0 with DF
// (RFC 6864 section 4.1 allows any value for atomic packets) and `identification` without.
#pragma once

#include "core/checksum.h"
#include "forward/forward.h"

namespace tunvs {

OuterHeader makeIpipHeader(const IpAddress& source, const IpAddress& server);

// The packet with its outer header. REQUIRES: kHeadroom bytes in front of `inner`; parsed.length + 20 <= 65535.
inline Packet encapsulateIpip(const OuterHeader& outer, uint8_t* inner, const ParsedPacket& parsed, uint16_t identification) {
  uint8_t* p = inner - kIpv4HeaderBytes;
  const uint32_t length = parsed.length + kIpv4HeaderBytes;
  const uint8_t tos = outerTrafficClass(parsed.trafficClass);
  const uint16_t id = parsed.dontFragment ? 0 : identification;
  const uint16_t flags = parsed.dontFragment ? kIpv4DontFragment : 0;
  // The sum is formed from the values, not read back: a wide load right after narrow stores would stall.
  const uint64_t sum = outer.sum + Be16::from(tos).raw + Be16::from(static_cast<uint16_t>(length)).raw + Be16::from(id).raw +
                       Be16::from(flags).raw + Be16::from(static_cast<uint16_t>(parsed.ttl << 8)).raw;
  std::memcpy(p, outer.bytes, kIpv4HeaderBytes);
  p[1] = tos;
  storeBe16(p + 2, static_cast<uint16_t>(length));
  storeBe16(p + 4, id);
  storeBe16(p + 6, flags);
  p[8] = parsed.ttl;
  const uint16_t check = static_cast<uint16_t>(~checksumFold(sum));
  std::memcpy(p + 10, &check, sizeof check);
  return {p, length};
}

}  // namespace tunvs
