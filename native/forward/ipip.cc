#include "forward/ipip.h"

#include "forward/forwarding_traits.h"

namespace tunvs {

OuterHeader makeIpipHeader(Family inner, const IpAddress& source, const IpAddress& server) {
  OuterHeader outer = makeOuterIp(protocolOf(inner), source, server);
  outer.method = ForwardingMethod::ipip;
  outer.inner = inner;
  outer.isIpv4InIpv4 = inner == Family::ipv4 && server.isV4();
  return outer;
}

Packet encapsulateIpip(const OuterHeader& outer, uint8_t* inner, const EncapInput& in) {
  uint8_t* p = inner - outer.length;
  const uint32_t totalBytes = in.length + outer.length;
  writeOuterIp(outer, p, totalBytes, in);
  return {p, totalBytes};
}

constinit const ForwardingTraits forwarding::ipip = {
    .delivery = Delivery::tunnel,
    .needsSource = true,
    .keepsPorts = true,
    .hasPort = false,
    .takesSource = false,
    .checksums = checksumBits({TunnelChecksum::none}),
    .overhead = [](const TunnelOptions&, Family outer, bool) { return ipBytesOf(outer); },
    .makeHeader = [](const TunnelOptions&, Family inner, const IpAddress& source,
                     const IpAddress& server) { return makeIpipHeader(inner, source, server); },
    .encapsulate = encapsulateIpip,
    .hasForm = [](const TunnelOptions&, const StrippedOuter& outer) { return outer.kind == OuterKind::ipip; },
};

}  // namespace tunvs
