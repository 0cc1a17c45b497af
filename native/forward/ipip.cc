#include "forward/ipip.h"

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

}  // namespace tunvs
