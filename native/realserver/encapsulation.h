// The encapsulations that a real server takes packets out of, each in a file unwrap_NAME.cc. A new one needs its file,
// its function here, a line in kEncapsulations for each IP protocol that it comes by, and a fuzz target.
//
// Thread safety: pure.
#pragma once

#include <span>
#include <string_view>

#include "core/inet.h"
#include "realserver/decap_verdict.h"

namespace tunvs {

// What lies in a tunnel packet. The packet has not been checked yet: it may be cut short, or of another family.
struct Unwrapped {
  DecapVerdict verdict = DecapVerdict::accepted;  // or badTunnelHeader, badTunnelChecksum
  Family family = Family::ipv4;                   // as the tunnel states it
  std::span<uint8_t> packet{};                    // within the payload; empty unless accepted
};

// `payload` is what follows the outer IP header, or the UDP header for GUE.
Unwrapped unwrapIpv4InIp(std::span<uint8_t> payload);  // protocol 4
Unwrapped unwrapIpv6InIp(std::span<uint8_t> payload);  // protocol 41
// Takes version 0 with or without remote checksum (draft-ietf-intarea-gue-09, -extensions-06), and writes that checksum
// into the packet; and version 1, a bare IP packet.
Unwrapped unwrapGue(std::span<uint8_t> payload);
// Takes version 0 of RFC 2784, with or without checksum, but no key and no sequence number (RFC 2890).
Unwrapped unwrapGre(std::span<uint8_t> payload);

struct Encapsulation {
  std::string_view name;  // the name of the director's forwarding method
  IpProtocol protocol;    // in the outer IP header
  Unwrapped (*unwrap)(std::span<uint8_t> payload);
};

inline constexpr Encapsulation kEncapsulations[] = {
    {"ipip", IpProtocol::ipip, unwrapIpv4InIp},
    {"ipip", IpProtocol::ipv6, unwrapIpv6InIp},
    {"gue", IpProtocol::udp, unwrapGue},
    {"gre", IpProtocol::gre, unwrapGre},
};

}  // namespace tunvs
