#include "packet/quote.h"

#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::quote_test {
namespace {

using namespace testing;

const IpAddress kClient4 = address("198.51.100.7"), kVirtual4 = address("192.0.2.10");
const IpAddress kClient6 = address("2001:db8:c::7"), kVirtual6 = address("2001:db8:2::10");
const Bytes kPorts = {0x9c, 0x40, 0x00, 0x50};  // 40000, 80
constexpr uint8_t kTcp = 6, kUdp = 17, kIcmpv6 = 58, kSctp = 132;

std::optional<Quote> readExact(const Bytes& bytes) { return readQuote(Exact(bytes).span()); }

// Makes an extension header of `bytes` (a multiple of 8), with its length in it.
Bytes extension(uint8_t next, size_t bytes = 8) {
  Bytes header(bytes);
  header[0] = next;
  header[1] = static_cast<uint8_t>(bytes / 8 - 1);
  return header;
}

Bytes fragmentHeader(uint8_t next, uint16_t offsetAndMore) {
  Bytes header = {next, 0, 0, 0, 0, 0, 0, 1};
  storeBe16(&header[2], offsetAndMore);
  return header;
}

TEST("a quoted IPv4 packet is read as far as it goes") {
  const Bytes whole =
      PacketBuilder().ip(kClient4, kVirtual4).tos(0xb8).dontFragment().tcp(40000, 80, kTcpAck).payload(50).build();
  const auto quote = readExact(firstOf(whole, 28));
  REQUIRE(quote);
  CHECK_EQ(quote->source, kClient4);
  CHECK_EQ(quote->destination, kVirtual4);
  CHECK_EQ(quote->protocol, kTcp);
  CHECK_EQ(quote->trafficClass, 0xb8);
  CHECK(quote->dontFragment);
  CHECK(!quote->isFragment());
  CHECK_EQ(quote->headerBytes, 20u);
  CHECK_EQ(quote->quotedBytes, 28u);
  CHECK_EQ(quote->totalBytes, 90u);
  CHECK(!quote->isWhole());
  CHECK(quote->hasPorts);
  CHECK_EQ(quote->sourcePort.host(), 40000);
  CHECK_EQ(quote->destinationPort.host(), 80);
}

TEST("four quoted transport bytes hold the ports, three do not") {
  const Bytes v4 = PacketBuilder().ip(kClient4, kVirtual4).udp(40000, 53).build();
  for (size_t bytes = 20; bytes <= 28; bytes++) CHECK_EQ(readExact(firstOf(v4, bytes))->hasPorts, bytes >= 24);
  const Bytes v6 = ipv6Packet(kClient6, kVirtual6, kUdp, kPorts + Bytes(4));
  for (size_t bytes = 40; bytes <= 48; bytes++) CHECK_EQ(readExact(firstOf(v6, bytes))->hasPorts, bytes >= 44);
}

TEST("TCP, UDP and SCTP have ports, other protocols have none") {
  for (int protocol = 0; protocol < 256; protocol++) {
    const auto quote = readExact(ipv4Packet(kClient4, kVirtual4, static_cast<uint8_t>(protocol), kPorts + Bytes(4)));
    CHECK_EQ(quote->hasPorts, protocol == kTcp || protocol == kUdp || protocol == kSctp);
  }
}

TEST("a later fragment has no ports, a first one has") {
  const auto first = readExact(PacketBuilder().moreFragments().udp(1, 2).build());
  CHECK(first->hasPorts);
  CHECK(first->isFragment());
  CHECK_EQ(first->fragmentOffset, 0u);
  const auto later = readExact(PacketBuilder().fragmentOffset(1480).udp(1, 2).build());
  CHECK(!later->hasPorts);
  CHECK(later->isFragment());
  CHECK(!later->moreFragments);
  CHECK_EQ(later->fragmentOffset, 1480u);
}

TEST("IPv4 options lie before the ports") {
  const Bytes packet = PacketBuilder().options({7, 7, 4, 0, 0, 0, 0, 0}).tcp(40000, 80, kTcpAck).build();
  const auto quote = readExact(firstOf(packet, 36));
  CHECK_EQ(quote->headerBytes, 28u);
  CHECK_EQ(quote->sourcePort.host(), 40000);
  CHECK(!readExact(firstOf(packet, 27)));
}

TEST("what follows the packet is not part of it") {
  const auto quote = readExact(PacketBuilder().udp(1, 2).payload(3).trailer(20).build());
  CHECK_EQ(quote->quotedBytes, 31u);
  CHECK(quote->isWhole());
  CHECK_EQ(readExact(ipv6Packet(kClient6, kVirtual6, kUdp, Bytes(11)) + Bytes(9))->quotedBytes, 51u);
}

TEST("a packet whose header is inconsistent is not read") {
  CHECK(!readExact({}));
  CHECK(!readExact(PacketBuilder().udp(1, 2).version(5).build()));
  CHECK(!readExact(PacketBuilder().udp(1, 2).headerWords(4).build()));
  CHECK(!readExact(PacketBuilder().udp(1, 2).headerWords(15).build()));
  CHECK(!readExact(PacketBuilder().udp(1, 2).totalLength(19).build()));
  CHECK(readExact(PacketBuilder().udp(1, 2).totalLength(20).build()));
}

TEST("a quote that ends within the IP header is not read") {
  const Bytes v4 = PacketBuilder().udp(1, 2).build(), v6 = ipv6Packet(kClient6, kVirtual6, kUdp, Bytes(8));
  for (size_t bytes = 0; bytes < 20; bytes++) CHECK(!readExact(firstOf(v4, bytes)));
  for (size_t bytes = 0; bytes < 40; bytes++) CHECK(!readExact(firstOf(v6, bytes)));
}

TEST("a quoted IPv6 packet is read like an IPv4 one, and must not be fragmented on its way") {
  const auto quote = readExact(ipv6Packet(kClient6, kVirtual6, kTcp, kPorts + Bytes(4), 0xb9));
  REQUIRE(quote);
  CHECK_EQ(quote->family(), Family::ipv6);
  CHECK_EQ(quote->source, kClient6);
  CHECK_EQ(quote->destination, kVirtual6);
  CHECK_EQ(quote->trafficClass, 0xb9);
  CHECK(quote->dontFragment);
  CHECK_EQ(quote->headerBytes, 40u);
  CHECK_EQ(quote->destinationPort.host(), 80);
}

TEST("IPv6 extension headers are walked to the transport header") {
  const Bytes packet = ipv6Packet(kClient6, kVirtual6, 0,
                                  extension(43, 24) + extension(51) + Bytes{60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} +
                                      extension(135, 16) + extension(kTcp) + kPorts + Bytes(16));
  const auto quote = readExact(packet);
  REQUIRE(quote);
  CHECK_EQ(quote->protocol, kTcp);
  CHECK_EQ(quote->headerBytes, 40u + 24 + 8 + 12 + 16 + 8);
  CHECK_EQ(quote->sourcePort.host(), 40000);
}

TEST("an extension header that the quote cuts off ends the reading") {
  const Bytes packet = ipv6Packet(kClient6, kVirtual6, 0, extension(60, 16) + extension(kUdp, 24) + kPorts);
  for (size_t bytes = 40; bytes < 80; bytes++) CHECK(!readExact(firstOf(packet, bytes)));
  const auto headersOnly = readExact(firstOf(packet, 80));
  REQUIRE(headersOnly);
  CHECK(!headersOnly->hasPorts);
  CHECK(readExact(packet)->hasPorts);
}

TEST("eight extension headers are walked, nine are too many") {
  Bytes chain;
  for (int i = 0; i < 7; i++) chain = chain + extension(60);
  CHECK(readExact(ipv6Packet(kClient6, kVirtual6, 60, chain + extension(kUdp) + kPorts))->hasPorts);
  CHECK(!readExact(ipv6Packet(kClient6, kVirtual6, 60, chain + extension(60) + extension(kUdp) + kPorts)));
}

TEST("an IPv6 fragment header tells which piece it is, and what follows a later one is not read") {
  const auto first = readExact(ipv6Packet(kClient6, kVirtual6, 44, fragmentHeader(kUdp, 1) + kPorts));
  CHECK(first->hasPorts);
  CHECK(first->moreFragments);
  CHECK(first->isFragment());
  const auto atomic = readExact(ipv6Packet(kClient6, kVirtual6, 44, fragmentHeader(kUdp, 0) + kPorts));
  CHECK(atomic->hasPorts);
  CHECK(!atomic->isFragment());
  const auto later = readExact(ipv6Packet(kClient6, kVirtual6, 44, fragmentHeader(60, 1448 | 1) + kPorts));
  REQUIRE(later);
  CHECK_EQ(later->fragmentOffset, 1448u);
  CHECK_EQ(later->protocol, 60);
  CHECK(!later->hasPorts);
}

TEST("a quoted packet names its connection as the client's packets do, whichever way it went") {
  const auto key4 = FlowKey::make(kClient4, Be16::from(40000), kVirtual4, Be16::from(80), kTcp);
  const auto toVirtual = readExact(PacketBuilder().ip(kClient4, kVirtual4).tcp(40000, 80, kTcpAck).build());
  const auto toClient = readExact(PacketBuilder().ip(kVirtual4, kClient4).tcp(80, 40000, kTcpAck).build());
  CHECK(flowKeyOf(*toVirtual, QuotedDirection::toVirtual) == key4);
  CHECK(flowKeyOf(*toClient, QuotedDirection::toClient) == key4);

  const auto key6 = FlowKey::make(kClient6, Be16::from(40000), kVirtual6, Be16::from(80), kSctp);
  const auto toVirtual6 = readExact(ipv6Packet(kClient6, kVirtual6, kSctp, kPorts));
  const auto toClient6 = readExact(ipv6Packet(kVirtual6, kClient6, kSctp, Bytes{0x00, 0x50, 0x9c, 0x40}));
  CHECK(flowKeyOf(*toVirtual6, QuotedDirection::toVirtual) == key6);
  CHECK(flowKeyOf(*toClient6, QuotedDirection::toClient) == key6);
  CHECK(!readExact(ipv6Packet(kClient6, kVirtual6, kIcmpv6, kPorts))->hasPorts);
}

}  // namespace
}  // namespace tunvs::quote_test
