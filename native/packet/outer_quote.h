// Is the packet that an ICMP error quotes one of our own tunnel packets? Then this strips its outer headers.
//
// Only the form is judged here; whether the outer destination is a real server that is reached in this way (and by this
// GUE port) is for the director to look up, before it believes anything.
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
  bool isFirstFragment = false;      // more of the outer packet was to come behind it
  std::span<const uint8_t> inner{};  // the client's packet, as much as was quoted: none or a piece of its header, too
};

// `quoted`: from the outer IP header on. Taken are, over IPv4 and IPv6, not as a later fragment:
//  - protocol 4 and 41;
//  - UDP with a GUE header of version 0 (draft-ietf-intarea-gue) that carries data of protocol 4 or 41. A router that
//  quotes 8
//    bytes behind the IP header leaves out the GUE header; then `inner` is empty, and only the port speaks for GUE;
//  - GRE version 0 (RFC 2784) without flags but the checksum's, with payload 0x0800 or 0x86dd.
// Where the inner packet's first byte is there, its IP version agrees with what the outer headers announce.
std::optional<StrippedOuter> stripOuter(std::span<const uint8_t> quoted);

}  // namespace tunvs
