// Generic UDP encapsulation, version 0 (draft-ietf-intarea-gue-09), puts IP, UDP and a 4-byte GUE header in front of
// the packet.
//
// The UDP source port comes from the flow, so that routers and network cards that spread load by ports spread the flows
// of one tunnel. Packets read from a TUN device have finished checksums, so they go with the plain header, with or
// without remote checksum; IPVS does the same. Only a packet that comes with an unfinished checksum (IFF_VNET_HDR)
// carries the longer one.
#pragma once

#include "forward/outer_header.h"

namespace tunvs {

inline constexpr size_t kUdpOuterBytes = 8;
inline constexpr size_t kGueBytes = 4;
inline constexpr size_t kGueRemoteChecksumBytes = 8;  // private flags, start, offset

// IPVS takes the source port from Linux's net.ipv4.ip_local_port_range; this is its default.
inline constexpr uint16_t kGueFirstSourcePort = 32768, kGueLastSourcePort = 60999;
constexpr uint16_t gueSourcePort(uint32_t flowHash) {
  constexpr uint64_t kPorts = kGueLastSourcePort - kGueFirstSourcePort + 1;
  return static_cast<uint16_t>(kGueFirstSourcePort + (flowHash * kPorts >> 32));
}

OuterHeader makeGueHeader(const TunnelOptions& options, Family inner, const IpAddress& source, const IpAddress& server);
Packet encapsulateGue(const OuterHeader& outer, uint8_t* inner, const EncapInput& in);

// An UnfinishedChecksum is a transport checksum that is still to be finished, in offsets from the inner packet's first
// byte. The checksum field holds the folded sum of the pseudo header, not complemented.
struct UnfinishedChecksum {
  uint16_t start = 0;  // where the covered part begins; it extends to the end
  uint16_t field = 0;  // where the checksum's two bytes are
};

// Encapsulates a packet whose checksum the real server is to finish.
// REQUIRES: `outer` was made with TunnelChecksum::remote; in.length <= maxInnerLength(outer) - kGueRemoteChecksumBytes.
Packet encapsulateGueUnfinished(const OuterHeader& outer, uint8_t* inner, const EncapInput& in,
                                UnfinishedChecksum unfinished);

}  // namespace tunvs
