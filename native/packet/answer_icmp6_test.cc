#include "packet/answer_icmp6.h"

#include "packet/icmp.h"
#include "packet/quote.h"
#include "support/golden_cases.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::answer_icmp6_test {
namespace {

using namespace testing;

const IpAddress kClient = address("2001:db8:c::7"), kVirtual = address("2001:db8:2::10");
constexpr uint8_t kUdp = 17, kIcmpv6 = 58;
const Icmp6Error kPortUnreachable = {icmp6::kUnreachable, icmp6::kPortUnreachable, 0, kVirtual};

Bytes udpPacket(size_t payload) { return ipv6Packet(kClient, kVirtual, kUdp, Bytes(8 + payload, 'u')); }

Bytes icmpPacket(uint8_t type, size_t payload, uint8_t trafficClass = 0) {
  return ipv6Packet(kClient, kVirtual, kIcmpv6,
                    icmpMessage(kClient, kVirtual, type, 0, 0x00070001, Bytes(payload, 'p')), trafficClass);
}

Bytes errorAbout(const Bytes& packet, const Icmp6Error& error = kPortUnreachable) {
  const Exact about(packet), out(kIcmp6ErrorMaxBytes);
  const size_t length = writeIcmp6Error(out.span(), error, about.span());
  return bytesOf(out.span().first(length));
}

Bytes replyTo(const Bytes& request) {
  const Exact about(request), out(request.size() + 64);
  const size_t length = writeIcmp6EchoReply(out.span(), about.span());
  return bytesOf(out.span().first(length));
}

bool mayAnswer(const Bytes& packet, uint8_t type = icmp6::kUnreachable) { return mayAnswerIcmp6(packet, type); }

TEST("an ICMPv6 error goes from the given source to the packet's source, and quotes the packet") {
  const Bytes packet = udpPacket(33);
  const Bytes error = errorAbout(packet, {icmp6::kPacketTooBig, 0, 70000, kVirtual});
  CHECK_EQ(firstOf(error, 8), fromHex("60000000 0059 3a40"));
  const auto header = readQuote(error);
  REQUIRE(header);
  CHECK_EQ(header->source, kVirtual);
  CHECK_EQ(header->destination, kClient);
  const auto icmp = readIcmp(header->source, header->destination, std::span(error).subspan(40));
  REQUIRE(icmp);
  CHECK(icmp->checksumIsRight);
  CHECK_EQ(icmp->type, 2);
  CHECK_EQ(icmp->code, 0);
  CHECK_EQ(icmp->mtu, 70000u);
  CHECK_EQ(bytesOf(icmp->quoted), packet);
}

TEST("an ICMPv6 error is 1280 bytes at most") {
  for (const size_t payload : {1183u, 1184u, 1185u, 1400u}) {
    const Bytes packet = udpPacket(payload);
    const Bytes error = errorAbout(packet);
    CHECK_EQ(error.size(), std::min<size_t>(1280, packet.size() + 48));
    CHECK_EQ(Bytes(error.begin() + 48, error.end()), firstOf(packet, error.size() - 48));
    CHECK(readIcmp(kVirtual, kClient, std::span(error).subspan(40))->checksumIsRight);
  }
}

TEST("no ICMPv6 error is written where it does not fit") {
  const Exact packet(udpPacket(0));
  for (size_t bytes = 0; bytes < 96; bytes++) {
    CHECK_EQ(writeIcmp6Error(Exact(bytes).span(), kPortUnreachable, packet.span()), 0u);
  }
  CHECK_EQ(writeIcmp6Error(Exact(size_t{96}).span(), kPortUnreachable, packet.span()), 96u);
}

TEST("an ICMPv6 error may be written over the packet it quotes") {
  const Bytes packet = udpPacket(1400);
  const Exact buffer(Bytes(48) + packet);
  const size_t length = writeIcmp6Error(buffer.span(), kPortUnreachable, buffer.span().subspan(48));
  CHECK_EQ(bytesOf(buffer.span().first(length)), errorAbout(packet));
}

TEST("no ICMPv6 error is sent about an ICMPv6 error or a redirect") {
  for (int type = 0; type < 256; type++) {
    CHECK_EQ(mayAnswer(icmpPacket(static_cast<uint8_t>(type), 8)), type >= 128 && type != 137);
  }
  CHECK(!mayAnswer(firstOf(icmpPacket(128, 8), 40)));
  const Bytes behindOptions = Bytes{kIcmpv6, 0, 1, 4, 0, 0, 0, 0} + icmpMessage(kClient, kVirtual, 1, 4, 0);
  CHECK(!mayAnswer(ipv6Packet(kClient, kVirtual, 60, behindOptions)));
}

TEST("only packet too big is sent about a later IPv6 fragment") {
  const Bytes first = {kUdp, 0, 0, 1, 0, 0, 0, 9}, later = {kUdp, 0, 0x05, 0xa8, 0, 0, 0, 9};
  const Bytes laterIcmp = {kIcmpv6, 0, 0x05, 0xa8, 0, 0, 0, 9};
  CHECK(mayAnswer(ipv6Packet(kClient, kVirtual, 44, first + Bytes(8))));
  CHECK(!mayAnswer(ipv6Packet(kClient, kVirtual, 44, later + Bytes(8))));
  CHECK(mayAnswer(ipv6Packet(kClient, kVirtual, 44, later + Bytes(8)), icmp6::kPacketTooBig));
  CHECK(!mayAnswer(ipv6Packet(kClient, kVirtual, 44, laterIcmp + Bytes(8)), icmp6::kPacketTooBig));
}

TEST("no ICMPv6 error is sent to or about anything but a single host") {
  for (const char* nobody : {"::", "::1", "ff02::1", "ff0e::1"}) {
    CHECK(!mayAnswer(ipv6Packet(address(nobody), kVirtual, kUdp, Bytes(8))));
    CHECK(!mayAnswer(ipv6Packet(kClient, address(nobody), kUdp, Bytes(8))));
  }
  CHECK(!mayAnswer(ipv6Packet(kVirtual, kVirtual, kUdp, Bytes(8))));
  CHECK(mayAnswer(ipv6Packet(kClient, kVirtual, kUdp, Bytes(8))));
  CHECK(!mayAnswer(PacketBuilder().udp(1, 2).build()));
}

TEST("an ICMPv6 echo reply turns the request around and keeps its traffic class") {
  const Bytes reply = replyTo(icmpPacket(icmp6::kEchoRequest, 57, 0xba));
  const Bytes message = icmpMessage(kVirtual, kClient, 129, 0, 0x00070001, Bytes(57, 'p'));
  CHECK_EQ(reply, ipv6Packet(kVirtual, kClient, kIcmpv6, message, 0xba));
}

TEST("an ICMPv6 echo reply leaves extension headers out, and may be written over the request") {
  const Bytes message = icmpMessage(kClient, kVirtual, 128, 0, 1, Bytes(9, 'p'));
  const Bytes request = ipv6Packet(kClient, kVirtual, 60, Bytes{kIcmpv6, 0, 1, 4, 0, 0, 0, 0} + message);
  const Bytes reply = replyTo(request);
  CHECK_EQ(reply.size(), 40 + message.size());
  const Exact buffer(request);
  const size_t length = writeIcmp6EchoReply(buffer.span(), buffer.span());
  CHECK_EQ(bytesOf(buffer.span().first(length)), reply);
}

TEST("only a whole ICMPv6 echo request with a right checksum from a single host is replied to") {
  const Bytes request = icmpPacket(icmp6::kEchoRequest, 16);
  CHECK_EQ(replyTo(request).size(), request.size());
  Bytes damaged = request;
  damaged[50] ^= 1;
  CHECK(replyTo(damaged).empty());
  CHECK(replyTo(icmpPacket(icmp6::kEchoReply, 16)).empty());
  CHECK(replyTo(firstOf(request, request.size() - 1)).empty());
  const IpAddress group = address("ff02::1");
  CHECK(replyTo(ipv6Packet(kClient, group, kIcmpv6, icmpMessage(kClient, group, 128, 0, 1))).empty());
  CHECK(replyTo(ipv6Packet(group, kVirtual, kIcmpv6, icmpMessage(group, kVirtual, 128, 0, 1))).empty());
  const Bytes first = {kIcmpv6, 0, 0, 1, 0, 0, 0, 9};
  CHECK(replyTo(ipv6Packet(kClient, kVirtual, 44, first + icmpMessage(kClient, kVirtual, 128, 0, 1))).empty());
}

}  // namespace
}  // namespace tunvs::answer_icmp6_test
