#include "forward/forward.h"

#include <cassert>

#include "forward/forwarding_traits.h"

namespace tunvs {

OuterHeader makeOuterHeader(const TunnelOptions& options, Family inner, const IpAddress& source,
                            const IpAddress& server) {
  assert(checkTunnel(options, inner, server.family).ok());
  return traitsOf(options.method).makeHeader(options, inner, source, server);
}

Packet encapsulate(const OuterHeader& outer, uint8_t* inner, const EncapInput& in) {
  assert(in.length <= maxInnerLength(outer));
  return traitsOf(outer.method).encapsulate(outer, inner, in);
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
