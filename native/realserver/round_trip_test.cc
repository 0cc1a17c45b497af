// What a director puts into a tunnel comes out at the real server as it was.
#include <string>

#include "forward/forward.h"
#include "forward/gue.h"
#include "realserver/decap.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::round_trip_test {
namespace {

using testing::address;
using testing::Bytes;
using testing::bytesOf;
using testing::HeldPacket;

IpAddress clientOf(Family family) { return address(family == Family::ipv4 ? "198.51.100.7" : "2001:db8:1::7"); }
IpAddress virtualOf(Family family) { return address(family == Family::ipv4 ? "192.0.2.10" : "2001:db8:9::9"); }
IpAddress directorOf(Family family) { return address(family == Family::ipv4 ? "10.2.0.2" : "2001:db8:2::2"); }
IpAddress serverOf(Family family) { return address(family == Family::ipv4 ? "10.3.0.11" : "2001:db8:3::11"); }

const DecapRules& rules() {
  static const DecapRules made = [] {
    const AddressPrefix directors[] = {AddressPrefix::of(directorOf(Family::ipv4)),
                                       AddressPrefix::of(directorOf(Family::ipv6))};
    const IpAddress virtuals[] = {virtualOf(Family::ipv4), virtualOf(Family::ipv6)};
    return DecapRules::make(directors, virtuals).value();
  }();
  return made;
}

Bytes innerPacket(Family family, size_t payloadBytes) {
  Bytes datagram(8 + payloadBytes, 0x5a);
  storeBe16(&datagram[4], static_cast<uint16_t>(datagram.size()));
  testing::seal(datagram, 6,
                pseudoHeaderSum(clientOf(family), virtualOf(family), 17, static_cast<uint32_t>(datagram.size())));
  return family == Family::ipv4 ? testing::ipv4Packet(clientOf(family), virtualOf(family), 17, datagram)
                                : testing::ipv6Packet(clientOf(family), virtualOf(family), 17, datagram, 0xb9);
}

// Decapsulates what the kernel leaves of a tunnel packet.
Decapsulated decapsulateSent(std::span<uint8_t> packet) {
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

TEST("every encapsulation in every combination of families gives the packet back unchanged") {
  const TunnelOptions methods[] = {
      {},
      {ForwardingMethod::gue, 6080, TunnelChecksum::none},
      {ForwardingMethod::gue, 6080, TunnelChecksum::checksum},
      {ForwardingMethod::gue, 6080, TunnelChecksum::remote},
      {ForwardingMethod::gre, 0, TunnelChecksum::none},
      {ForwardingMethod::gre, 0, TunnelChecksum::checksum},
  };
  for (const TunnelOptions& method : methods) {
    for (const Family inner : {Family::ipv4, Family::ipv6}) {
      for (const Family outer : {Family::ipv4, Family::ipv6}) {
        const OuterHeader header = makeOuterHeader(method, inner, directorOf(outer), serverOf(outer));
        for (const size_t payloadBytes : {0, 1, 60, 1400, 9001}) {
          const Bytes sent = innerPacket(inner, payloadBytes);
          HeldPacket held(sent);
          const Packet packet = held.packet();
          const uint8_t trafficClass = inner == Family::ipv4 ? sent[1] : 0xb9;
          const Packet wrapped = encapsulate(header, packet.data,
                                             {.length = packet.length,
                                              .flowHash = 7,
                                              .identification = 1,
                                              .trafficClass = trafficClass,
                                              .ttl = 63,
                                              .dontFragment = true});
          const Decapsulated result = decapsulateSent({wrapped.data, wrapped.length});
          if (!CHECK_EQ(toString(result.verdict), "accepted") || !CHECK(result.family == inner) ||
              !CHECK(bytesOf(result.inner) == sent)) {
            testing::fail(__FILE__, __LINE__,
                          "for: " + std::string(nameOf(method.method)) + ", checksum " +
                              std::to_string(static_cast<int>(method.checksum)) + ", IPv" +
                              std::to_string(static_cast<int>(inner)) + " in IPv" +
                              std::to_string(static_cast<int>(outer)));
          }
        }
      }
    }
  }
}

TEST("the real server finishes a checksum that a director leaves to it") {
  for (const Family outer : {Family::ipv4, Family::ipv6}) {
    const OuterHeader header = makeOuterHeader({ForwardingMethod::gue, 6080, TunnelChecksum::remote}, Family::ipv4,
                                               directorOf(outer), serverOf(outer));
    const Bytes finished = innerPacket(Family::ipv4, 100);
    Bytes sent = finished;
    const uint16_t left = checksumFold(pseudoHeaderSum(clientOf(Family::ipv4), virtualOf(Family::ipv4), 17, 108));
    std::memcpy(&sent[26], &left, sizeof left);
    HeldPacket held(sent);
    const Packet packet = held.packet();
    const Packet wrapped =
        encapsulateGueUnfinished(header, packet.data, {.length = packet.length, .ttl = 63}, {.start = 20, .field = 26});
    const Decapsulated result = decapsulateSent({wrapped.data, wrapped.length});
    REQUIRE(result.verdict == DecapVerdict::accepted);
    CHECK(bytesOf(result.inner) == finished);
  }
}

}  // namespace
}  // namespace tunvs::round_trip_test
