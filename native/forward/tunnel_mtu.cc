#include "forward/tunnel_mtu.h"

#include "forward/forwarding_traits.h"

namespace tunvs {

uint32_t overhead(const TunnelOptions& options, Family, Family outer, bool isUnfinished) {
  return static_cast<uint32_t>(traitsOf(options.method).overhead(options, outer, isUnfinished));
}

std::optional<uint32_t> tunnelMtu(uint32_t pathMtu, const TunnelOptions& options, Family inner, Family outer,
                                  bool isUnfinished) {
  const uint32_t floor = outer == Family::ipv4 ? kMinTunnelMtuIpv4 : kMinTunnelMtuIpv6;
  const uint32_t front = overhead(options, inner, outer, isUnfinished);
  if (pathMtu < front + floor) return std::nullopt;
  return pathMtu - front;
}

}  // namespace tunvs
