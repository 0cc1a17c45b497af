// A forwarding method says how a packet is rewritten for its real server.
//
// Each method is a file of its own. It makes an outer header once per real server, off the packet path, and puts it in
// front of packets; its ForwardingTraits say how, and what else callers need to know. To add one, write its file, name
// it in forwarding_method.h, and add it to the lists that CONTRIBUTING.md names.
//
// Thread safety: pure; an OuterHeader is read-only once made.
#pragma once

#include "forward/forwarding_traits.h"
#include "forward/ipip.h"
#include "forward/outer_header.h"
#include "forward/tunnel_options.h"

namespace tunvs {

// Makes the outer header for packets of family `inner` from `source` (DIP) to `server` (RIP).
// REQUIRES: source and server are of one family, except for local nodes; checkTunnel(options, inner, server.family)
// returns no Error.
OuterHeader makeOuterHeader(const TunnelOptions& options, Family inner, const IpAddress& source,
                            const IpAddress& server);

// Returns the packet as it goes out: with `outer` in front, or unchanged for direct routing and local nodes. The inner
// packet is not touched. REQUIRES: kHeadroom bytes in front of `inner`; in.length <= maxInnerLength(outer).
Packet encapsulate(const OuterHeader& outer, uint8_t* inner, const EncapInput& in);

// Encapsulates a parsed packet, for any tunnel.
Packet encapsulateParsed(const OuterHeader& outer, uint8_t* inner, const ParsedPacket& parsed, uint32_t flowHash,
                         uint16_t identification, bool pmtuDisc);

// Does the same on the packet path, where IPv4 in IPv4 is inlined. The arguments are separate, because gathering an
// EncapInput would cost that path as much as the header does.
inline Packet encapsulate(const OuterHeader& outer, uint8_t* inner, const ParsedPacket& parsed, uint32_t flowHash,
                          uint16_t identification, bool pmtuDisc = true) {
  if (outer.isIpv4InIpv4) [[likely]]
    return encapsulateIpip(outer, inner, parsed, identification, pmtuDisc);
  return encapsulateParsed(outer, inner, parsed, flowHash, identification, pmtuDisc);
}

}  // namespace tunvs
