// Writes ICMPv4 errors about a packet and echo replies, as Linux writes them.
//
// Thread safety: pure.
// `out` may overlap the packet that is answered, so an answer can be written into the packet's own buffer (an error
// needs 28 bytes more than it quotes). Every function returns the answer's bytes, or 0 with `out` untouched when it
// does not fit or is not due.
#pragma once

#include <span>

#include "core/inet.h"

namespace tunvs {

inline constexpr size_t kIcmp4ErrorMaxBytes = 576;  // RFC 1812 section 4.3.2.3
inline constexpr uint8_t kAnswerTtl = 64;           // Linux's net.ipv4.ip_default_ttl

// Returns false for packets about which no ICMP error may be sent (RFC 1122 section 3.2.2, RFC 1812 section 4.3.2.7):
// ICMP errors, unknown ICMP types, later fragments, packets to or from anything but a single host, and packets with an
// inconsistent header. `packet` may be a quote that ends early, as long as it holds enough to tell.
bool mayAnswerIcmp4(std::span<const uint8_t> packet);

struct Icmp4Error {
  uint8_t type = 0;
  uint8_t code = 0;
  uint16_t mtu = 0;             // bytes; for "fragmentation needed", otherwise 0
  IpAddress source;             // IPv4; the VIP, for an error about a packet to it
  uint16_t identification = 0;  // of the IP header, whose DF is clear
};

// Writes an error to the source of `packet`, which it quotes up to kIcmp4ErrorMaxBytes in all. TOS: precedence
// "internetwork control" and the packet's own TOS bits (RFC 1812 section 4.3.2.5, as Linux does it).
// REQUIRES: mayAnswerIcmp4(packet).
size_t writeIcmp4Error(std::span<uint8_t> out, const Icmp4Error& error, std::span<const uint8_t> packet);

// Writes the reply to an echo request with a right checksum; returns 0 for anything else, and for a fragment of a
// request. IP options are not returned.
size_t writeIcmp4EchoReply(std::span<uint8_t> out, std::span<const uint8_t> request, uint16_t identification);

}  // namespace tunvs
