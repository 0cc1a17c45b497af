// An OuterHeader goes in front of packets on their way to a real server; an EncapInput is what it takes from each
// packet.
//
// An OuterHeader is made once per real server, off the packet path; its address fields never change after that.
#pragma once

#include "core/inet.h"
#include "forward/tunnel_options.h"
#include "packet/checksum.h"
#include "packet/packet_vector.h"
#include "packet/parse.h"

namespace tunvs {

inline constexpr size_t kIpv6OuterBytes = 40;
inline constexpr size_t kMaxOuterBytes = kIpv6OuterBytes + 8 + 12;  // IPv6, UDP, GUE with remote checksum
static_assert(kMaxOuterBytes + 14 <= kHeadroom);

// An outer header has everything filled in that does not depend on the packet: an IP header, then the method's own.
// Invariants:
//  1. length == ipBytes + the length of the method's own header; both are 0 for direct routing and local nodes.
//  2. The fields that depend on the packet are zero in `bytes`.
struct OuterHeader {
  uint64_t sum = 0;           // one's complement sum of the IP header in `bytes`, unfolded; 0 for IPv6
  uint8_t length = 0;         // bytes, [0, kMaxOuterBytes]
  bool isIpv4InIpv4 = false;  // plain IPIP, which the packet path treats apart
  uint8_t ipBytes = 0;        // 0, 20 or 40
  ForwardingMethod method = ForwardingMethod::ipip;
  Family inner = Family::ipv4;
  TunnelChecksum checksum = TunnelChecksum::none;
  uint8_t bytes[kMaxOuterBytes] = {};
  uint64_t coveredSum = 0;  // the sum of what the tunnel's checksum covers besides the packet and its length, unfolded
};

// An outer header takes this from the packet behind it.
struct EncapInput {
  uint32_t length = 0;          // bytes of the inner packet, [1, maxInnerLength(outer)]
  uint32_t flowHash = 0;        // any 32 evenly spread bits, equal for the packets of a flow; pick GUE's source port
  uint16_t identification = 0;  // for an outer IPv4 header without DF
  uint8_t trafficClass = 0;     // the inner packet's TOS or traffic class
  uint8_t ttl = 0;              // the inner packet's TTL or hop limit
  bool dontFragment = false;    // the inner IPv4 packet's DF; not looked at for IPv6
  bool pmtuDisc = true;         // net.ipv4.vs.pmtu_disc: false never sets DF
};

// Returns the length of the longest inner packet that `outer` can carry: an IP packet has at most kMaxPacketBytes.
constexpr uint32_t maxInnerLength(const OuterHeader& outer) { return kMaxPacketBytes - outer.length; }

// RFC 3168 section 9.1.1, full functionality: the inner codepoint is copied, except CE, which becomes ECT(0).
inline uint8_t outerTrafficClass(uint8_t inner) { return static_cast<uint8_t>(inner - (inner & inner >> 1 & 1)); }

// Makes the IP header of `outer`, with `protocol` behind it. REQUIRES: source and server are of one family.
OuterHeader makeOuterIp(IpProtocol protocol, const IpAddress& source, const IpAddress& server);

// Return the protocol number and EtherType (IANA) of an IP packet within a tunnel.
constexpr IpProtocol protocolOf(Family inner) { return inner == Family::ipv4 ? IpProtocol::ipip : IpProtocol::ipv6; }
constexpr uint16_t etherTypeOf(Family inner) { return inner == Family::ipv4 ? 0x0800 : 0x86dd; }

// Writes a 20-byte outer IPv4 header at `p`. `totalBytes` is the length of the packet that begins there, [20, 65535].
inline void writeOuterIpv4(const OuterHeader& outer, uint8_t* p, uint32_t totalBytes, uint8_t trafficClass, uint8_t ttl,
                           uint16_t identification, bool dontFragment) {
  constexpr bool kIsLittle = std::endian::native == std::endian::little;
  const uint32_t idAndFlags = dontFragment ? kIpv4DontFragment : uint32_t{identification} << 16;
  const uint64_t front = uint64_t{uint32_t{outerTrafficClass(trafficClass)} << 16 | totalBytes} << 32 | idAndFlags;
  const uint64_t rawFront = kIsLittle ? __builtin_bswap64(front) : front;
  const uint32_t rawTtl = kIsLittle ? uint32_t{ttl} : uint32_t{ttl} << 24;
  // The sum is formed from the values and not read back, because a wide load right after narrow stores would stall.
  const uint64_t sum = addAround(outer.sum + rawTtl, rawFront);
  const uint32_t check = static_cast<uint16_t>(~foldBySwapping(sum));
  const uint64_t head = loadUnaligned<uint64_t>(outer.bytes) | rawFront;
  const uint32_t middle = loadUnaligned<uint32_t>(outer.bytes + 8) | rawTtl | (kIsLittle ? check << 16 : check);
  std::memcpy(p, &head, sizeof head);
  std::memcpy(p + 8, &middle, sizeof middle);
  std::memcpy(p + 12, outer.bytes + 12, 8);
}

constexpr size_t ipBytesOf(Family outer) { return outer == Family::ipv4 ? kIpv4HeaderBytes : kIpv6OuterBytes; }

// Writes the outer IP header of either family at `p`.
void writeOuterIp(const OuterHeader& outer, uint8_t* p, uint32_t totalBytes, const EncapInput& in);

}  // namespace tunvs
