// The tunnel MTU is what a path's MTU leaves for the packet in a tunnel.
#pragma once

#include <optional>

#include "forward/tunnel_options.h"

namespace tunvs {

// A path to a real server has to leave at least this for the packet itself. These are IPVS's floors by the outer
// header's family: the smallest MTU of IPv4 (RFC 791) and of IPv6 (RFC 8200).
inline constexpr uint32_t kMinTunnelMtuIpv4 = 68, kMinTunnelMtuIpv6 = 1280;

// Returns how many bytes go in front of the packet. `isUnfinished`: its checksum is left to the real server (GUE,
// TunnelChecksum::remote). For every packet as read from a TUN device it equals makeOuterHeader(options, inner,
// ...).length.
uint32_t overhead(const TunnelOptions& options, Family inner, Family outer, bool isUnfinished = false);

// Returns the length of the longest packet of family `inner` that fits into `pathMtu` bytes as one tunnel packet;
// nullopt when that is below the floor and nothing can be sent.
std::optional<uint32_t> tunnelMtu(uint32_t pathMtu, const TunnelOptions& options, Family inner, Family outer,
                                  bool isUnfinished = false);

}  // namespace tunvs
