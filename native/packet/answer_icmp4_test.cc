#include "packet/answer_icmp4.h"

#include "packet/icmp.h"
#include "packet/quote.h"
#include "support/golden_cases.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::answer_icmp4_test {
namespace {

using namespace testing;

const IpAddress kClient = address("198.51.100.7"), kVirtual = address("192.0.2.10");
const Icmp4Error kPortUnreachable = {icmp4::kUnreachable, icmp4::kPortUnreachable, 0, kVirtual, 0x4711};

Bytes errorAbout(const Bytes& packet, const Icmp4Error& error = kPortUnreachable) {
  const Exact about(packet), out(kIcmp4ErrorMaxBytes);
  const size_t length = writeIcmp4Error(out.span(), error, about.span());
  return bytesOf(out.span().first(length));
}

Bytes echo(uint8_t type, size_t payload, uint8_t tos = 0) {
  return PacketBuilder()
      .ip(kClient, kVirtual)
      .tos(tos)
      .protocol(IpProtocol::icmp)
      .payload(icmpMessage(kClient, kVirtual, type, 0, 0x00070001, Bytes(payload, 'p')))
      .build();
}

Bytes replyTo(const Bytes& request) {
  const Exact about(request), out(request.size() + 64);
  const size_t length = writeIcmp4EchoReply(out.span(), about.span(), 0x4711);
  return bytesOf(out.span().first(length));
}

TEST("an ICMPv4 error goes from the given source to the packet's source, and quotes the packet") {
  const Bytes packet = PacketBuilder().ip(kClient, kVirtual).udp(40000, 54).payload(33).build();
  const Bytes error = errorAbout(packet, {3, 4, 1400, kVirtual, 0x4711});
  CHECK_EQ(firstOf(error, 10), fromHex("45c0 0059 4711 0000 4001"));
  CHECK_EQ(naiveSum(error.data(), 20), 0xffff);
  const auto header = readQuote(error);
  REQUIRE(header);
  CHECK_EQ(header->source, kVirtual);
  CHECK_EQ(header->destination, kClient);
  const auto icmp = readIcmp(header->source, header->destination, std::span(error).subspan(20));
  REQUIRE(icmp);
  CHECK(icmp->checksumIsRight);
  CHECK_EQ(icmp->type, 3);
  CHECK_EQ(icmp->code, 4);
  CHECK_EQ(icmp->mtu, 1400u);
  CHECK_EQ(bytesOf(icmp->quoted), packet);
}

TEST("an ICMPv4 error is 576 bytes at most") {
  for (const size_t payload : {519u, 520u, 521u, 1400u}) {
    const Bytes packet = PacketBuilder().udp(1, 2).payload(payload).build();
    const Bytes error = errorAbout(packet);
    CHECK_EQ(error.size(), std::min<size_t>(576, packet.size() + 28));
    CHECK_EQ(Bytes(error.begin() + 28, error.end()), firstOf(packet, error.size() - 28));
    CHECK_EQ(naiveSum(&error[20], error.size() - 20), 0xffff);
  }
}

TEST("an ICMPv4 error quotes no padding, and no more than was quoted to it") {
  const Bytes padded = PacketBuilder().udp(1, 2).trailer(18).build();
  CHECK_EQ(errorAbout(padded).size(), 28u + 28);
  const Bytes cut = firstOf(PacketBuilder().udp(1, 2).payload(500).build(), 28);
  CHECK_EQ(errorAbout(cut).size(), 28u + 28);
}

TEST("an ICMPv4 error has the packet's TOS bits and the precedence of internetwork control") {
  CHECK_EQ(errorAbout(PacketBuilder().tos(0x10).udp(1, 2).build())[1], 0xd0);
  CHECK_EQ(errorAbout(PacketBuilder().tos(0xff).udp(1, 2).build())[1], 0xde);
}

TEST("no ICMPv4 error is written where it does not fit") {
  const Exact packet(PacketBuilder().udp(1, 2).payload(10).build());
  for (size_t bytes = 0; bytes < 66; bytes++) {
    const Exact out(bytes);
    CHECK_EQ(writeIcmp4Error(out.span(), kPortUnreachable, packet.span()), 0u);
  }
  const Exact out(66);
  CHECK_EQ(writeIcmp4Error(out.span(), kPortUnreachable, packet.span()), 66u);
}

TEST("an ICMPv4 error may be written over the packet it quotes") {
  const Bytes packet = PacketBuilder().options({1, 1, 1, 1}).udp(1, 2).payload(700).build();
  const Exact buffer(Bytes(28) + packet);
  const size_t length = writeIcmp4Error(buffer.span(), kPortUnreachable, buffer.span().subspan(28));
  CHECK_EQ(bytesOf(buffer.span().first(length)), errorAbout(packet));
}

TEST("no ICMPv4 error is sent about an ICMP error, nor about an unknown ICMP type") {
  for (int type = 0; type < 256; type++) {
    const bool isError = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    CHECK_EQ(mayAnswerIcmp4(echo(static_cast<uint8_t>(type), 8)), !isError && type <= 18);
  }
  CHECK(!mayAnswerIcmp4(firstOf(echo(icmp4::kEchoRequest, 8), 20)));  // its type was not quoted
}

TEST("no ICMPv4 error is sent about a later fragment, but one may be sent about a first fragment") {
  CHECK(mayAnswerIcmp4(PacketBuilder().udp(1, 2).moreFragments().build()));
  CHECK(!mayAnswerIcmp4(PacketBuilder().udp(1, 2).fragmentOffset(8).build()));
  CHECK(!mayAnswerIcmp4(PacketBuilder().udp(1, 2).fragmentOffset(8).moreFragments().build()));
}

TEST("no ICMPv4 error is sent to or about anything but a single host") {
  const auto mayAnswer = [](std::string_view source, std::string_view destination) {
    return mayAnswerIcmp4(PacketBuilder().ip(source, destination).udp(1, 2).build());
  };
  CHECK(mayAnswer("198.51.100.7", "192.0.2.10"));
  for (const char* nobody :
       {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"}) {
    CHECK(!mayAnswer(nobody, "192.0.2.10"));
    CHECK(!mayAnswer("198.51.100.7", nobody));
  }
  CHECK(!mayAnswer("192.0.2.10", "192.0.2.10"));
}

TEST("no ICMPv4 error is sent about anything but an IPv4 packet") {
  CHECK(!mayAnswerIcmp4({}));
  CHECK(!mayAnswerIcmp4(PacketBuilder().udp(1, 2).headerWords(4).build()));
  CHECK(!mayAnswerIcmp4(ipv6Packet(address("2001:db8::1"), address("2001:db8::2"), 17, Bytes(8))));
}

TEST("an ICMPv4 echo reply turns the request around") {
  const Bytes reply = replyTo(echo(icmp4::kEchoRequest, 57, 0xba));
  CHECK_EQ(firstOf(reply, 10), fromHex("45ba 0055 4711 0000 4001"));
  CHECK_EQ(naiveSum(reply.data(), 20), 0xffff);
  CHECK_EQ(Bytes(reply.begin() + 20, reply.end()), icmpMessage(kVirtual, kClient, 0, 0, 0x00070001, Bytes(57, 'p')));
  const auto header = readQuote(reply);
  CHECK_EQ(header->source, kVirtual);
  CHECK_EQ(header->destination, kClient);
}

TEST("an ICMPv4 echo reply has the request's code, as Linux's has") {
  const Bytes request = icmpMessage(kClient, kVirtual, 8, 7, 1);
  CHECK_EQ(replyTo(PacketBuilder().protocol(IpProtocol::icmp).payload(request).build())[21], 7);
}

TEST("an ICMPv4 echo reply returns no IP options and no padding, and may be written over the request") {
  const Bytes message = icmpMessage(kClient, kVirtual, 8, 0, 1, Bytes(9, 'p'));
  const Bytes request = PacketBuilder()
                            .ip(kClient, kVirtual)
                            .options({7, 7, 4, 0, 0, 0, 0})
                            .protocol(IpProtocol::icmp)
                            .payload(message)
                            .trailer(7)
                            .build();
  const Bytes reply = replyTo(request);
  CHECK_EQ(reply.size(), 20 + message.size());
  const Exact buffer(request);
  const size_t length = writeIcmp4EchoReply(buffer.span(), buffer.span(), 0x4711);
  CHECK_EQ(bytesOf(buffer.span().first(length)), reply);
}

TEST("only a whole echo request with a right checksum from a single host is replied to") {
  const Bytes request = echo(icmp4::kEchoRequest, 16);
  CHECK_EQ(replyTo(request).size(), request.size());
  Bytes damaged = request;
  damaged[30] ^= 1;
  CHECK(replyTo(damaged).empty());
  CHECK(replyTo(echo(icmp4::kEchoReply, 16)).empty());
  CHECK(replyTo(firstOf(request, request.size() - 1)).empty());
  const Bytes zeros =
      icmpMessage(kClient, kVirtual, 8, 0, 1, Bytes(16));  // cut short: its checksum would still be right
  const Bytes cut = firstOf(PacketBuilder().protocol(IpProtocol::icmp).payload(zeros).build(), 40);
  CHECK(replyTo(cut).empty());
  const Bytes message = icmpMessage(kClient, kVirtual, 8, 0, 1);
  const PacketBuilder builder = PacketBuilder().protocol(IpProtocol::icmp).payload(message);
  CHECK(!replyTo(PacketBuilder(builder).build()).empty());
  CHECK(replyTo(PacketBuilder(builder).moreFragments().build()).empty());
  CHECK(replyTo(PacketBuilder(builder).fragmentOffset(8).build()).empty());
  CHECK(replyTo(PacketBuilder(builder).ip("127.0.0.1", "192.0.2.10").build()).empty());
  CHECK(replyTo(PacketBuilder(builder).ip("198.51.100.7", "224.0.0.1").build()).empty());
  CHECK(replyTo(PacketBuilder(builder).ip("192.0.2.10", "192.0.2.10").build()).empty());
  CHECK(replyTo(PacketBuilder().protocol(IpProtocol::icmp).payload(firstOf(message, 7)).build()).empty());
}

}  // namespace
}  // namespace tunvs::answer_icmp4_test
