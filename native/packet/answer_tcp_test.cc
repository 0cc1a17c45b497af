#include "packet/answer_tcp.h"

#include "packet/quote.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::answer_tcp_test {
namespace {

using namespace testing;

const IpAddress kClient4 = address("198.51.100.7"), kVirtual4 = address("192.0.2.10");
const IpAddress kClient6 = address("2001:db8:c::7"), kVirtual6 = address("2001:db8:2::10");
constexpr uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32;
constexpr uint32_t kSequence = 0xfffffff0, kAcknowledged = 0x01020304;

Bytes tcpSegment(uint8_t flags, size_t payload, size_t options = 0) {
  Bytes segment(20 + options + payload, 't');
  storeBe16(&segment[0], 40000);
  storeBe16(&segment[2], 80);
  storeBe32(&segment[4], kSequence);
  storeBe32(&segment[8], kAcknowledged);
  segment[12] = static_cast<uint8_t>((20 + options) / 4 << 4);
  segment[13] = flags;
  return segment;
}

Bytes packetOf(Family family, Bytes segment, uint8_t trafficClass = 0) {
  const bool isV4 = family == Family::ipv4;
  const IpAddress& source = isV4 ? kClient4 : kClient6;
  const IpAddress& destination = isV4 ? kVirtual4 : kVirtual6;
  if (segment.size() >= 18) {
    seal(segment, 16, pseudoHeaderSum(source, destination, 6, static_cast<uint32_t>(segment.size())));
  }
  if (!isV4) return ipv6Packet(source, destination, 6, segment, trafficClass);
  return PacketBuilder().ip(source, destination).tos(trafficClass).protocol(IpProtocol::tcp).payload(segment).build();
}

Bytes resetTo(const Bytes& packet, ChecksumTrust trust = ChecksumTrust::none) {
  const Exact about(packet), out(kTcpResetMaxBytes);
  const size_t length = writeTcpReset(out.span(), about.span(), trust);
  return bytesOf(out.span().first(length));
}

TEST("a reset takes its numbers from the segment as RFC 9293 says") {
  struct Row {
    uint8_t flags;
    size_t payload, options;
    uint32_t sequence, acknowledgement;
    uint8_t resetFlags;
  };
  const Row rows[] = {
      {kAck, 0, 0, kAcknowledged, 0, kRst},
      {kAck | kPsh, 100, 12, kAcknowledged, 0, kRst},
      {kAck | kFin, 5, 0, kAcknowledged, 0, kRst},
      {kAck | kSyn, 0, 20, kAcknowledged, 0, kRst},
      {kSyn, 0, 0, 0, kSequence + 1, kRst | kAck},
      {kSyn, 0, 40, 0, kSequence + 1, kRst | kAck},
      {kSyn, 30, 8, 0, kSequence + 31, kRst | kAck},
      {kFin, 0, 0, 0, kSequence + 1, kRst | kAck},
      {kSyn | kFin, 0, 0, 0, kSequence + 2, kRst | kAck},
      {kSyn | kFin | kUrg | kPsh, 7, 4, 0, kSequence + 9, kRst | kAck},
      {0, 0, 0, 0, kSequence, kRst | kAck},
      {kPsh, 100, 0, 0, kSequence + 100, kRst | kAck},
  };
  for (const Row& row : rows) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      const Bytes reset = resetTo(packetOf(family, tcpSegment(row.flags, row.payload, row.options)));
      const size_t ipBytes = family == Family::ipv4 ? 20 : 40;
      REQUIRE(reset.size() == ipBytes + 20);
      const uint8_t* tcp = &reset[ipBytes];
      CHECK_EQ(loadBe16(tcp), 80);
      CHECK_EQ(loadBe16(tcp + 2), 40000);
      CHECK_EQ(loadBe32(tcp + 4), row.sequence);
      CHECK_EQ(loadBe32(tcp + 8), row.acknowledgement);
      CHECK_EQ(tcp[12], 0x50);
      CHECK_EQ(tcp[13], row.resetFlags);
      CHECK_EQ(loadBe16(tcp + 14), 0);
      CHECK_EQ(loadBe16(tcp + 18), 0);
      const auto header = readQuote(reset);
      CHECK(transportChecksumIsRight(header->source, header->destination, 6, std::span(reset).subspan(ipBytes)));
    }
  }
}

TEST("a reset goes from VIP to client with TTL 64, DF and the segment's DSCP without ECN") {
  const Bytes v4 = resetTo(packetOf(Family::ipv4, tcpSegment(kAck, 0), 0xbb));
  const Bytes head4 = {0x45, 0xb8, 0, 40, 0, 0, 0x40, 0, 64, 6};
  CHECK_EQ(firstOf(v4, 10), head4);
  CHECK_EQ(naiveSum(v4.data(), 20), 0xffff);
  CHECK_EQ(readQuote(v4)->source, kVirtual4);
  CHECK_EQ(readQuote(v4)->destination, kClient4);
  const Bytes v6 = resetTo(packetOf(Family::ipv6, tcpSegment(kAck, 0), 0xbb));
  const Bytes head6 = {0x6b, 0x80, 0, 0, 0, 20, 6, 64};
  CHECK_EQ(firstOf(v6, 8), head6);
  CHECK_EQ(readQuote(v6)->source, kVirtual6);
  CHECK_EQ(readQuote(v6)->destination, kClient6);
}

TEST("a reset is never answered with a reset") {
  for (const uint8_t with : {uint8_t{0}, kAck, kSyn, kFin}) {
    CHECK(resetTo(packetOf(Family::ipv4, tcpSegment(kRst | with, 0))).empty());
    CHECK(resetTo(packetOf(Family::ipv6, tcpSegment(kRst | with, 0))).empty());
  }
}

TEST("a segment with a wrong checksum is answered only when the checksum is trusted") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Bytes packet = packetOf(family, tcpSegment(kSyn, 3));
    packet.back() ^= 1;
    CHECK(resetTo(packet).empty());
    CHECK(!resetTo(packet, ChecksumTrust::verified).empty());
  }
}

TEST("padding behind the segment does not count and does not spoil its checksum") {
  const Bytes packet = packetOf(Family::ipv4, tcpSegment(kSyn, 0));
  CHECK_EQ(resetTo(packet + Bytes(6, 0xee)), resetTo(packet));
}

TEST("a fragment, a cut segment and an inconsistent TCP header are not answered") {
  const Bytes whole = packetOf(Family::ipv4, tcpSegment(kSyn, 10));
  CHECK(resetTo(firstOf(whole, whole.size() - 1), ChecksumTrust::verified).empty());
  const PacketBuilder builder = PacketBuilder().tcp(40000, 80, kSyn);
  CHECK(!resetTo(PacketBuilder(builder).build()).empty());
  CHECK(resetTo(PacketBuilder(builder).moreFragments().build()).empty());
  CHECK(resetTo(PacketBuilder(builder).fragmentOffset(8).build()).empty());
  Bytes shortHeader = tcpSegment(kSyn, 0), longHeader = tcpSegment(kSyn, 8);
  shortHeader[12] = 0x40;
  longHeader[12] = 0x80;
  CHECK(resetTo(packetOf(Family::ipv4, shortHeader)).empty());
  CHECK(resetTo(packetOf(Family::ipv4, longHeader)).empty());
  CHECK(resetTo(packetOf(Family::ipv6, firstOf(tcpSegment(kSyn, 0), 19)), ChecksumTrust::verified).empty());
  CHECK(resetTo(PacketBuilder().udp(40000, 80).payload(20).build()).empty());
}

TEST("no reset is sent to or for anything but a single host") {
  const auto answer = [](std::string_view source, std::string_view destination) {
    return resetTo(PacketBuilder().ip(source, destination).tcp(1, 2, kSyn).build());
  };
  CHECK(!answer("198.51.100.7", "192.0.2.10").empty());
  for (const char* nobody : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"}) {
    CHECK(answer(nobody, "192.0.2.10").empty());
    CHECK(answer("198.51.100.7", nobody).empty());
  }
  CHECK(answer("192.0.2.10", "192.0.2.10").empty());
}

TEST("a reset is written only where it fits, and may be written over its segment") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const size_t bytes = family == Family::ipv4 ? 40 : 60;
    const Exact packet(packetOf(family, tcpSegment(kSyn, 0)));
    CHECK_EQ(writeTcpReset(Exact(bytes - 1).span(), packet.span()), 0u);
    CHECK_EQ(writeTcpReset(Exact(bytes).span(), packet.span()), bytes);
    const Bytes expected = resetTo(bytesOf(packet.span()));
    CHECK_EQ(writeTcpReset(packet.span(), packet.span()), bytes);
    CHECK_EQ(bytesOf(packet.span()), expected);
  }
}

}  // namespace
}  // namespace tunvs::answer_tcp_test
