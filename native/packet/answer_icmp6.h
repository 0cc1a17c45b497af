// Writes ICMPv6 errors about a packet and echo replies, as Linux writes them, except that the flow label is 0 here.
//
// Thread safety: pure.
// `out` may overlap the packet that is answered (an error needs 48 bytes more than it quotes). Every function returns
// the answer's bytes, or 0 with `out` untouched when it does not fit or is not due.
#pragma once

#include <span>

#include "core/inet.h"

namespace tunvs {

inline constexpr size_t kIcmp6ErrorMaxBytes = 1280;  // RFC 4443 section 2.4 (c)

// Returns false for packets about which no ICMPv6 error of this `type` may be sent (RFC 4443 section 2.4 (e)): ICMPv6
// errors and redirects, packets from anything but a single host or to a multicast group, and packets whose headers
// can't be walked. About a later fragment only "packet too big" and parameter problems may be sent, as nobody knows its
// ports.
bool mayAnswerIcmp6(std::span<const uint8_t> packet, uint8_t type);

struct Icmp6Error {
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t mtu = 0;  // bytes; for "packet too big", otherwise 0
  IpAddress source;  // IPv6; the VIP, for an error about a packet to it
};

// Writes an error to the source of `packet`, which it quotes up to kIcmp6ErrorMaxBytes in all.
// REQUIRES: mayAnswerIcmp6(packet, error.type).
size_t writeIcmp6Error(std::span<uint8_t> out, const Icmp6Error& error, std::span<const uint8_t> packet);

// Writes the reply to an echo request with a right checksum; returns 0 for anything else, and for a fragment of a
// request. The reply has the request's traffic class, but not its extension headers.
size_t writeIcmp6EchoReply(std::span<uint8_t> out, std::span<const uint8_t> request);

}  // namespace tunvs
