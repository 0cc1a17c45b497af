#include "packet/outer_quote.h"

#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::outer_quote_test {
namespace {

using namespace testing;

const IpAddress kDirector4 = address("10.0.0.1"), kServer4 = address("10.0.0.11");
const IpAddress kDirector6 = address("2001:db8:1::1"), kServer6 = address("2001:db8:1::11");
const Bytes kInner4 = PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(40000, 80, kTcpAck).payload(9).build();
const Bytes kInner6 = ipv6Packet(address("2001:db8:c::7"), address("2001:db8:2::10"), 6, Bytes(20));
const Bytes kGueUdp = {0xa2, 0x86, 0x17, 0xc0, 0, 0, 0, 0};  // to port 6080

// Makes a tunnel packet between the addresses of the family.
Bytes outer(Family family, uint8_t protocol, const Bytes& payload) {
  return family == Family::ipv4 ? ipv4Packet(kDirector4, kServer4, protocol, payload)
                                : ipv6Packet(kDirector6, kServer6, protocol, payload);
}

Bytes gue(uint8_t protocol, const Bytes& payload) { return kGueUdp + Bytes{0, protocol, 0, 0} + payload; }

TEST("tunnel packets of every encapsulation yield their inner packet, over either IP version") {
  struct Row {
    uint8_t protocol;
    Bytes payload;
    OuterKind kind;
    uint16_t port;
    const Bytes& inner;
  };
  const Bytes remoteChecksum = {0x80, 0, 0, 0, 0, 20, 0, 36};
  const Row rows[] = {
      {4, kInner4, OuterKind::ipip, 0, kInner4},
      {41, kInner6, OuterKind::ipip, 0, kInner6},
      {17, gue(4, kInner4), OuterKind::gue, 6080, kInner4},
      {17, gue(41, kInner6), OuterKind::gue, 6080, kInner6},
      {17, kGueUdp + Bytes{2, 4, 0, 1} + remoteChecksum + kInner4, OuterKind::gue, 6080, kInner4},
      {17, kGueUdp + Bytes{31, 41, 0, 1} + Bytes(124) + kInner6, OuterKind::gue, 6080, kInner6},
      {47, Bytes{0, 0, 0x08, 0x00} + kInner4, OuterKind::gre, 0, kInner4},
      {47, Bytes{0, 0, 0x86, 0xdd} + kInner6, OuterKind::gre, 0, kInner6},
      {47, Bytes{0x80, 0, 0x08, 0x00, 1, 2, 0, 0} + kInner4, OuterKind::gre, 0, kInner4},
  };
  for (const Row& row : rows) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      const Exact quoted(outer(family, row.protocol, row.payload));
      const auto stripped = stripOuter(quoted.span());
      REQUIRE(stripped);
      CHECK(stripped->kind == row.kind);
      CHECK_EQ(stripped->source, family == Family::ipv4 ? kDirector4 : kDirector6);
      CHECK_EQ(stripped->server, family == Family::ipv4 ? kServer4 : kServer6);
      CHECK_EQ(stripped->port.host(), row.port);
      CHECK_EQ(stripped->isDontFragment, family == Family::ipv6);
      CHECK_EQ(bytesOf(stripped->inner), row.inner);
    }
  }
}

TEST("a packet that is no tunnel packet of ours is left alone") {
  const struct {
    uint8_t protocol;
    Bytes payload;
  } rows[] = {
      {6, kInner4},                                            // TCP
      {4, kInner6},                                            // announced as IPv4, but IPv6
      {41, kInner4},                                           //
      {17, gue(6, kInner4)},                                   // GUE with something else in it
      {17, gue(4, kInner6)},                                   //
      {17, kGueUdp + Bytes{0x20, 4, 0, 0} + kInner4},          // a GUE control message
      {17, kGueUdp + Bytes{0x40, 4, 0, 0} + kInner4},          // GUE version 1
      {17, kGueUdp + kInner4},                                 // version 1, bare IP
      {47, Bytes{0x00, 1, 0x08, 0x00} + kInner4},              // GRE version 1
      {47, Bytes{0x20, 0, 0x08, 0x00, 0, 0, 0, 1} + kInner4},  // with a key
      {47, Bytes{0x10, 0, 0x08, 0x00, 0, 0, 0, 1} + kInner4},  // with a sequence number
      {47, Bytes{0, 0, 0x65, 0x58} + kInner4},                 // Ethernet
      {47, Bytes{0, 0, 0x86, 0xdd} + kInner4},                 // announced as IPv6, but IPv4
  };
  for (const auto& row : rows) {
    CHECK(!stripOuter(outer(Family::ipv4, row.protocol, row.payload)));
    CHECK(!stripOuter(outer(Family::ipv6, row.protocol, row.payload)));
  }
}

TEST("a later fragment of a tunnel packet tells nothing, the first one tells everything") {
  const PacketBuilder builder = PacketBuilder().ip(kDirector4, kServer4).protocol(IpProtocol::ipip).payload(kInner4);
  CHECK(!stripOuter(PacketBuilder(builder).fragmentOffset(1480).build()));
  CHECK(stripOuter(PacketBuilder(builder).moreFragments().build()));
  const Bytes later = {4, 0, 0x05, 0xa8, 0, 0, 0, 1}, first = {4, 0, 0, 1, 0, 0, 0, 1};
  CHECK(!stripOuter(outer(Family::ipv6, 44, later + kInner4)));
  CHECK_EQ(bytesOf(stripOuter(outer(Family::ipv6, 44, first + kInner4)).value().inner), kInner4);
}

TEST("a router that quotes 8 bytes behind the IP header tells the server, and a GUE port") {
  const Exact ipip(firstOf(outer(Family::ipv4, 4, kInner4), 28));
  REQUIRE(stripOuter(ipip.span()));
  CHECK_EQ(stripOuter(ipip.span())->server, kServer4);
  CHECK_EQ(bytesOf(stripOuter(ipip.span())->inner), firstOf(kInner4, 8));

  const Exact viaGue(firstOf(outer(Family::ipv4, 17, gue(4, kInner4)), 28));
  REQUIRE(stripOuter(viaGue.span()));
  CHECK(stripOuter(viaGue.span())->kind == OuterKind::gue);
  CHECK_EQ(stripOuter(viaGue.span())->port.host(), 6080);
  CHECK(stripOuter(viaGue.span())->inner.empty());

  const Exact gre(firstOf(outer(Family::ipv4, 47, Bytes{0x80, 0, 8, 0, 0, 0, 0, 0} + kInner4), 28));
  REQUIRE(stripOuter(gre.span()));
  CHECK(stripOuter(gre.span())->kind == OuterKind::gre);
  CHECK(stripOuter(gre.span())->inner.empty());
}

TEST("what follows the tunnel packet is not part of its inner packet") {
  const Exact padded(outer(Family::ipv4, 4, kInner4) + Bytes(40, 0xee));
  CHECK_EQ(bytesOf(stripOuter(padded.span())->inner), kInner4);
}

TEST("no length of a quote leads beyond its end") {
  const Bytes whole[] = {
      outer(Family::ipv4, 4, kInner4),
      outer(Family::ipv6, 17, kGueUdp + Bytes{2, 4, 0, 1} + Bytes(8) + kInner4),
      outer(Family::ipv4, 47, Bytes{0x80, 0, 0x86, 0xdd, 0, 0, 0, 0} + kInner6),
  };
  for (const Bytes& packet : whole) {
    for (size_t bytes = 0; bytes <= packet.size(); bytes++) {
      const Exact quoted(firstOf(packet, bytes));
      const auto stripped = stripOuter(quoted.span());
      if (stripped && !stripped->inner.empty()) {
        CHECK(stripped->inner.data() + stripped->inner.size() == quoted.span().data() + bytes);
      }
    }
  }
}

}  // namespace
}  // namespace tunvs::outer_quote_test
