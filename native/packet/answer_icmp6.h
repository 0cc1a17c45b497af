// Writing ICMPv6: errors about a packet, and echo replies, as Linux writes them but for the flow label, which is 0
// here.
//
// Thread safety: pure.
// `out` may overlap the packet that is answered (an error needs 48 bytes more than it quotes). Every function returns
// the answer's bytes, or 0 with `out` untouched when it does not fit or is not due.
#pragma once

#include <span>

#include "core/inet.h"

namespace tunvs {

inline constexpr size_t kIcmp6ErrorMaxBytes = 1280;  // RFC 4443 section 2.4 (c)

// False for packets about which no ICMPv6 error of this `type` may be sent (RFC 4443 section 2.4 (e)): about ICMPv6
// errors and redirects, from what is not a single host, to a multicast group, with headers that can't be walked. About
// a later fragment only "packet too big" and parameter problems may be sent: nobody knows its ports.
bool mayAnswerIcmp6(std::span<const uint8_t> packet, uint8_t type);

struct Icmp6Error {
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t mtu = 0;  // bytes; for "packet too big", otherwise 0
  IpAddress source;  // IPv6; the VIP, for what concerns a packet to it
};

// The error goes to the source of `packet`, which it quotes up to kIcmp6ErrorMaxBytes in all.
// REQUIRES: mayAnswerIcmp6(packet, error.type).
size_t writeIcmp6Error(std::span<uint8_t> out, const Icmp6Error& error, std::span<const uint8_t> packet);

// The reply to an echo request with a right checksum; 0 for anything else, and for a fragment of a request. The
// request's traffic class is returned, its extension headers are not.
size_t writeIcmp6EchoReply(std::span<uint8_t> out, std::span<const uint8_t> request);

}  // namespace tunvs
