// Tunnel packets as a director makes them, and what a real server's sockets and rules make of them.
#pragma once

#include <string>

#include "forward/forward.h"
#include "forward/gue.h"
#include "realserver/decap.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::testing {

inline IpAddress clientOf(Family family) { return address(family == Family::ipv4 ? "198.51.100.7" : "2001:db8:1::7"); }
inline IpAddress virtualOf(Family family) { return address(family == Family::ipv4 ? "192.0.2.10" : "2001:db8:9::9"); }
inline IpAddress directorOf(Family family) { return address(family == Family::ipv4 ? "10.2.0.2" : "2001:db8:2::2"); }
inline IpAddress serverOf(Family family) { return address(family == Family::ipv4 ? "10.3.0.11" : "2001:db8:3::11"); }

inline const DecapRules& rules() {
  static const DecapRules made = [] {
    const AddressPrefix directors[] = {AddressPrefix::of(directorOf(Family::ipv4)),
                                       AddressPrefix::of(directorOf(Family::ipv6))};
    const IpAddress virtuals[] = {virtualOf(Family::ipv4), virtualOf(Family::ipv6)};
    return DecapRules::make(directors, virtuals).value();
  }();
  return made;
}

inline Bytes innerPacket(Family family, size_t payloadBytes) {
  Bytes datagram(8 + payloadBytes, 0x5a);
  storeBe16(&datagram[4], static_cast<uint16_t>(datagram.size()));
  seal(datagram, 6, pseudoHeaderSum(clientOf(family), virtualOf(family), 17, static_cast<uint32_t>(datagram.size())));
  return family == Family::ipv4 ? ipv4Packet(clientOf(family), virtualOf(family), 17, datagram)
                                : ipv6Packet(clientOf(family), virtualOf(family), 17, datagram, 0xb9);
}

// Decapsulates what the kernel leaves of a tunnel packet.
inline Decapsulated decapsulateSent(std::span<uint8_t> packet) {
  const bool isIpv4 = packet[0] >> 4 == 4;
  const auto protocol = static_cast<IpProtocol>(packet[isIpv4 ? 9 : 6]);
  for (const Encapsulation& encapsulation : kEncapsulations) {
    if (encapsulation.protocol != protocol) continue;
    if (isIpv4 && protocol != IpProtocol::udp) return decapsulateIpv4(packet, encapsulation, rules());
    const size_t outerBytes = (isIpv4 ? 20 : 40) + (protocol == IpProtocol::udp ? 8 : 0);
    return decapsulate({.source = directorOf(isIpv4 ? Family::ipv4 : Family::ipv6),
                        .ecn = static_cast<uint8_t>(isIpv4 ? packet[1] & 3 : packet[1] >> 4 & 3),
                        .bytes = packet.subspan(outerBytes)},
                       encapsulation, rules());
  }
  return {DecapVerdict::badOuter};
}

// Every method of forwarding by a tunnel, with each checksum that it can have.
inline const TunnelOptions kTunnelMethods[] = {
    {},
    {ForwardingMethod::gue, 6080, TunnelChecksum::none},
    {ForwardingMethod::gue, 6080, TunnelChecksum::checksum},
    {ForwardingMethod::gue, 6080, TunnelChecksum::remote},
    {ForwardingMethod::gre, 0, TunnelChecksum::none},
    {ForwardingMethod::gre, 0, TunnelChecksum::checksum},
};

// Puts a client's packet into a tunnel to the real server.
inline Bytes tunnelled(const TunnelOptions& method, Family inner, Family outer, const Bytes& packet) {
  const OuterHeader header = makeOuterHeader(method, inner, directorOf(outer), serverOf(outer));
  HeldPacket held(packet);
  const Packet given = held.packet();
  const uint8_t trafficClass = inner == Family::ipv4 ? packet[1] : static_cast<uint8_t>(loadBe16(&packet[0]) >> 4);
  const Packet wrapped = encapsulate(header, given.data,
                                     {.length = given.length,
                                      .flowHash = 7,
                                      .identification = 1,
                                      .trafficClass = trafficClass,
                                      .ttl = 63,
                                      .dontFragment = true});
  return {wrapped.data, wrapped.data + wrapped.length};
}

inline std::string textOf(const TunnelOptions& method, Family inner, Family outer) {
  const auto number = [](Family family) { return family == Family::ipv4 ? "4" : "6"; };
  return std::string(nameOf(method.method)) + ", checksum " + std::to_string(static_cast<int>(method.checksum)) +
         ", IPv" + number(inner) + " in IPv" + number(outer);
}

}  // namespace tunvs::testing
