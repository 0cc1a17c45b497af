// The encapsulations that a real server takes packets out of, a file each: unwrap_NAME.cc. Adding one: its file, its
// function here, a line in kEncapsulations for each IP protocol that it comes by, a fuzz target.
//
// Thread safety: pure.
#pragma once

#include <span>
#include <string_view>

#include "core/inet.h"
#include "realserver/decap_verdict.h"

namespace tunvs {

// What lies in a tunnel packet. The packet is not looked at yet: it may be cut short, or of another family.
struct Unwrapped {
  DecapVerdict verdict = DecapVerdict::accepted;  // or badTunnelHeader, badTunnelChecksum
  Family family = Family::ipv4;                   // as the tunnel names it
  std::span<uint8_t> packet{};                    // within the payload; empty unless accepted
};

// `payload`: what is behind the outer IP header, or behind the UDP header of GUE.
Unwrapped unwrapIpv4InIp(std::span<uint8_t> payload);  // protocol 4
Unwrapped unwrapIpv6InIp(std::span<uint8_t> payload);  // protocol 41
// Version 0 with or without remote checksum (draft-ietf-intarea-gue-09, -extensions-06), whose checksum is written into
// the packet; version 1, a bare IP packet.
Unwrapped unwrapGue(std::span<uint8_t> payload);
// RFC 2784: version 0 with or without checksum. No key and no sequence numbers (RFC 2890).
Unwrapped unwrapGre(std::span<uint8_t> payload);

struct Encapsulation {
  std::string_view name;  // as the director's forwarding method is called
  IpProtocol protocol;    // of the outer IP header
  Unwrapped (*unwrap)(std::span<uint8_t> payload);
};

inline constexpr Encapsulation kEncapsulations[] = {
    {"ipip", IpProtocol::ipip, unwrapIpv4InIp},
    {"ipip", IpProtocol::ipv6, unwrapIpv6InIp},
    {"gue", IpProtocol::udp, unwrapGue},
    {"gre", IpProtocol::gre, unwrapGre},
};

}  // namespace tunvs
