// Forwarding methods: how a packet is rewritten for its real server.
//
// A method is a file of its own that makes an outer header once per real server (off the packet path) and puts it on a
// packet. Adding one: its file, its name in tunnel_options.h, a line in the two switches of forward.cc and in overhead()
// of tunnel_mtu.cc.
//
// Thread safety: pure; an OuterHeader is read-only once made.
#pragma once

#include "forward/ipip.h"
#include "forward/outer_header.h"
#include "forward/tunnel_options.h"

namespace tunvs {

// The outer header for packets of family `inner` from `source` (DIP) to `server` (RIP).
// REQUIRES: equal families of source and server; checkTunnel(options, inner, server.family) is no Error.
OuterHeader makeOuterHeader(const TunnelOptions& options, Family inner, const IpAddress& source, const IpAddress& server);

// encapsulate() for all but IPv4 in IPv4.
Packet encapsulateOther(const OuterHeader& outer, uint8_t* inner, EncapInput in);

// The packet as it goes out: with `outer` in front, or itself for direct routing. The inner packet is not touched.
// REQUIRES: kHeadroom bytes in front of `inner`; in.length <= maxInnerLength(outer).
inline Packet encapsulate(const OuterHeader& outer, uint8_t* inner, EncapInput in) {
  if (outer.isIpv4InIpv4) [[likely]] return encapsulateIpv4InIpv4(outer, inner, in);
  return encapsulateOther(outer, inner, in);
}

}  // namespace tunvs
