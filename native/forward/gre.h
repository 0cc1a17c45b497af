// Generic routing encapsulation (RFC 2784) puts an IP header and a GRE header of 4 bytes (8 with a checksum) in front
// of the packet. Like IPVS, it uses no key and no sequence numbers. The real server's gre device must have the same
// checksum setting, or it drops the packet.
#pragma once

#include "forward/outer_header.h"

namespace tunvs {

inline constexpr size_t kGreBytes = 4;
inline constexpr size_t kGreChecksumBytes = 4;

OuterHeader makeGreHeader(const TunnelOptions& options, Family inner, const IpAddress& source, const IpAddress& server);
Packet encapsulateGre(const OuterHeader& outer, uint8_t* inner, const EncapInput& in);

}  // namespace tunvs
