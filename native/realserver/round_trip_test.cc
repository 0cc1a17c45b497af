// What a director puts into a tunnel comes out at the real server as it was.
#include "support/tunnel_packets.h"

namespace tunvs::round_trip_test {
namespace {

using namespace tunvs::testing;

TEST("every encapsulation in every combination of families gives the packet back unchanged") {
  for (const TunnelOptions& method : kTunnelMethods) {
    for (const Family inner : {Family::ipv4, Family::ipv6}) {
      for (const Family outer : {Family::ipv4, Family::ipv6}) {
        for (const size_t payloadBytes : {0, 1, 60, 1400, 9001}) {
          const Bytes sent = innerPacket(inner, payloadBytes);
          Bytes wrapped = tunnelled(method, inner, outer, sent);
          const Decapsulated result = decapsulateSent(wrapped);
          if (!CHECK_EQ(toString(result.verdict), "accepted") || !CHECK(result.family == inner) ||
              !CHECK(bytesOf(result.inner) == sent)) {
            fail(__FILE__, __LINE__, "for: " + textOf(method, inner, outer));
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
