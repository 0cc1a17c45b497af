// How much of a path's MTU is left for the packet in a tunnel.
#pragma once

#include <optional>

#include "forward/tunnel_options.h"

namespace tunvs {

// What a path to a real server has to leave for the packet itself, IPVS's floors by the outer header's family: the
// smallest MTU of IPv4 (RFC 791) and of IPv6 (RFC 8200).
inline constexpr uint32_t kMinTunnelMtuIpv4 = 68, kMinTunnelMtuIpv6 = 1280;

// Bytes in front of the packet. `isUnfinished`: its checksum is left to the real server (GUE, TunnelChecksum::remote).
// For every packet as read from a TUN device it equals makeOuterHeader(options, inner, ...).length.
uint32_t overhead(const TunnelOptions& options, Family inner, Family outer, bool isUnfinished = false);

// The longest packet of family `inner` that fits into `pathMtu` bytes as one tunnel packet; nullopt when that is below
// the floor and nothing can be sent.
std::optional<uint32_t> tunnelMtu(uint32_t pathMtu, const TunnelOptions& options, Family inner, Family outer,
                                  bool isUnfinished = false);

}  // namespace tunvs
