#include "forward/forward.h"

#include <cassert>

#include "forward/dr.h"
#include "forward/gre.h"
#include "forward/gue.h"
#include "forward/local.h"

namespace tunvs {

OuterHeader makeOuterHeader(const TunnelOptions& options, Family inner, const IpAddress& source,
                            const IpAddress& server) {
  assert(checkTunnel(options, inner, server.family).ok());
  switch (options.method) {
    case ForwardingMethod::ipip: return makeIpipHeader(inner, source, server);
    case ForwardingMethod::gue: return makeGueHeader(options, inner, source, server);
    case ForwardingMethod::gre: return makeGreHeader(options, inner, source, server);
    case ForwardingMethod::dr: return makeDrHeader(inner);
    case ForwardingMethod::local: return makeLocalHeader(inner);
  }
  return {};
}

Packet encapsulate(const OuterHeader& outer, uint8_t* inner, const EncapInput& in) {
  assert(in.length <= maxInnerLength(outer));
  switch (outer.method) {
    case ForwardingMethod::ipip: return encapsulateIpip(outer, inner, in);
    case ForwardingMethod::gue: return encapsulateGue(outer, inner, in);
    case ForwardingMethod::gre: return encapsulateGre(outer, inner, in);
    case ForwardingMethod::dr: return encapsulateDr(inner, in);
    case ForwardingMethod::local: return encapsulateLocal(inner, in);
  }
  return {};
}

Packet encapsulateParsed(const OuterHeader& outer, uint8_t* inner, const ParsedPacket& parsed, uint32_t flowHash,
                         uint16_t identification, bool pmtuDisc) {
  return encapsulate(outer, inner,
                     EncapInput{.length = parsed.length,
                                .flowHash = flowHash,
                                .identification = identification,
                                .trafficClass = parsed.trafficClass,
                                .ttl = parsed.ttl,
                                .dontFragment = parsed.dontFragment,
                                .pmtuDisc = pmtuDisc});
}

}  // namespace tunvs
