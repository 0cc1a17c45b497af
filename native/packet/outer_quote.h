// Tells whether the packet that an ICMP error quotes is one of our own tunnel packets, and strips its outer headers.
//
// Only the form is judged here. The director looks up whether the outer destination is a real server that is reached in
// this way (and by this GUE port) before it believes anything.
//
// Thread safety: pure.
#pragma once

#include <optional>
#include <span>

#include "core/inet.h"

namespace tunvs {

enum class OuterKind : uint8_t { ipip, gue, gre };  // ipip: IP in IP of any two versions

struct StrippedOuter {
  OuterKind kind = OuterKind::ipip;
  IpAddress source;                  // DIP
  IpAddress server;                  // RIP
  Be16 port;                         // GUE: the UDP destination port; otherwise 0
  Be16 sourcePort;                   // GUE: the UDP source port; otherwise 0
  uint32_t totalBytes = 0;           // the outer packet's length, as its header says
  bool isDontFragment = false;       // the outer packet's DF; always true for an outer IPv6 packet
  bool isFirstFragment = false;      // more of the outer packet was to follow it
  std::span<const uint8_t> inner{};  // as much of the client's packet as was quoted; may be empty or end in its header
};

// Reads `quoted`, which begins with the outer IP header. Over IPv4 and IPv6, it accepts these, except as a later
// fragment:
//  - protocol 4 and 41;
//  - UDP with a GUE header of version 0 (draft-ietf-intarea-gue) that carries data of protocol 4 or 41. If a router
//    quotes only 8 bytes behind the IP header, the GUE header is missing; then `inner` is empty, and only the port
//    speaks for GUE;
//  - GRE version 0 (RFC 2784) with no flag but the checksum's, and payload 0x0800 or 0x86dd.
// If the inner packet's first byte is there, its IP version has to agree with what the outer headers announce.
std::optional<StrippedOuter> stripOuter(std::span<const uint8_t> quoted);

}  // namespace tunvs
