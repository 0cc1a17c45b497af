// Forwarding methods: how a packet is rewritten for its real server.
//
// A method is a file of its own that makes an outer header once per real server (off the packet path) and puts it on a
// packet: its ForwardingTraits say how, and what else is to be known of it. Adding one: its file, its name in
// forwarding_method.h, and the lists that CONTRIBUTING.md names.
//
// Thread safety: pure; an OuterHeader is read-only once made.
#pragma once

#include "forward/forwarding_traits.h"
#include "forward/ipip.h"
#include "forward/outer_header.h"
#include "forward/tunnel_options.h"

namespace tunvs {

// The outer header for packets of family `inner` from `source` (DIP) to `server` (RIP).
// REQUIRES: equal families of source and server, but for local nodes; checkTunnel(options, inner, server.family) is no
// Error.
OuterHeader makeOuterHeader(const TunnelOptions& options, Family inner, const IpAddress& source,
                            const IpAddress& server);

// The packet as it goes out: with `outer` in front, or itself for direct routing and local nodes. The inner packet is
// not touched. REQUIRES: kHeadroom bytes in front of `inner`; in.length <= maxInnerLength(outer).
Packet encapsulate(const OuterHeader& outer, uint8_t* inner, const EncapInput& in);

// encapsulate() of a parsed packet, for any tunnel.
Packet encapsulateParsed(const OuterHeader& outer, uint8_t* inner, const ParsedPacket& parsed, uint32_t flowHash,
                         uint16_t identification, bool pmtuDisc);

// The same for the packet path, where IPv4 in IPv4 is inlined. Separate arguments: gathering an EncapInput would cost
// that path as much as the header.
inline Packet encapsulate(const OuterHeader& outer, uint8_t* inner, const ParsedPacket& parsed, uint32_t flowHash,
                          uint16_t identification, bool pmtuDisc = true) {
  if (outer.isIpv4InIpv4) [[likely]]
    return encapsulateIpip(outer, inner, parsed, identification, pmtuDisc);
  return encapsulateParsed(outer, inner, parsed, flowHash, identification, pmtuDisc);
}

}  // namespace tunvs
