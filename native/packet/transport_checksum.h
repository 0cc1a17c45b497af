// Checks the checksums in transport headers, for the packets that the director answers itself.
#pragma once

#include <span>

#include "core/inet.h"

namespace tunvs {

// Says what is known of a packet's transport checksum before the packet is answered.
enum class ChecksumTrust : uint8_t {
  none,      // to be verified
  verified,  // verified already, or unfinished because the packet comes from this host (VIRTIO_NET_HDR_F_NEEDS_CSUM)
};

// Returns true when the TCP, UDP, ICMP or ICMPv6 checksum of `segment` (transport header to the end of the packet) is
// right, or when UDP over IPv4 has none. Returns false for a UDP length that does not fit, and for another protocol.
bool transportChecksumIsRight(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                              std::span<const uint8_t> segment);

}  // namespace tunvs
