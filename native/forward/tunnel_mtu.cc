#include "forward/tunnel_mtu.h"

#include "forward/gre.h"
#include "forward/gue.h"

namespace tunvs {

uint32_t overhead(const TunnelOptions& options, Family, Family outer, bool isUnfinished) {
  const size_t ipBytes = outer == Family::ipv4 ? kIpv4HeaderBytes : kIpv6OuterBytes;
  const auto bytes = [&]() -> size_t {
    switch (options.method) {
      case ForwardingMethod::ipip: return ipBytes;
      case ForwardingMethod::gue: {
        const bool isRemote = isUnfinished && options.checksum == TunnelChecksum::remote;
        return ipBytes + kUdpOuterBytes + kGueBytes + (isRemote ? kGueRemoteChecksumBytes : 0);
      }
      case ForwardingMethod::gre:
        return ipBytes + kGreBytes + (options.checksum == TunnelChecksum::none ? 0 : kGreChecksumBytes);
      case ForwardingMethod::dr:
      case ForwardingMethod::local: return 0;
    }
    return 0;
  };
  return static_cast<uint32_t>(bytes());
}

std::optional<uint32_t> tunnelMtu(uint32_t pathMtu, const TunnelOptions& options, Family inner, Family outer,
                                  bool isUnfinished) {
  const uint32_t floor = outer == Family::ipv4 ? kMinTunnelMtuIpv4 : kMinTunnelMtuIpv6;
  const uint32_t front = overhead(options, inner, outer, isUnfinished);
  if (pathMtu < front + floor) return std::nullopt;
  return pathMtu - front;
}

}  // namespace tunvs
