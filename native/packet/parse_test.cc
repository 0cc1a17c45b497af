#include "packet/parse.h"

#include "support/packet_builder.h"
#include "support/random.h"
#include "support/testing.h"

namespace tunvs::parse_test {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::PacketBuilder;
using testing::Random;

ParsedPacket parse(const Bytes& bytes) {
  HeldPacket held(bytes);
  ParsedPacket parsed;
  parsePacket(held.packet(), parsed);
  return parsed;
}

PacketBuilder syn() { return PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(40000, 80, kTcpSyn); }
PacketBuilder datagram() { return PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(40000, 53).payload(11); }

TEST("parsing reads the flow of a TCP packet") {
  const ParsedPacket parsed = parse(syn().tos(0xb9).ttl(63).dontFragment().payload(5).build());
  REQUIRE(parsed.error == ParseError::none);
  CHECK(parsed.key == FlowKey::make(testing::address("198.51.100.7"), Be16::from(40000), testing::address("192.0.2.10"),
                                    Be16::from(80), 6));
  CHECK_EQ(parsed.length, 45u);
  CHECK_EQ(parsed.transport, 20);
  CHECK_EQ(parsed.tcpFlags, kTcpSyn);
  CHECK_EQ(parsed.trafficClass, 0xb9);
  CHECK_EQ(parsed.ttl, 63);
  CHECK(parsed.dontFragment);
}

TEST("parsing reads the flow of a UDP packet, which has no TCP flags") {
  const ParsedPacket parsed = parse(datagram().build());
  REQUIRE(parsed.error == ParseError::none);
  CHECK(parsed.key == FlowKey::make(testing::address("198.51.100.7"), Be16::from(40000), testing::address("192.0.2.10"),
                                    Be16::from(53), 17));
  CHECK_EQ(parsed.tcpFlags, 0);
  CHECK(!parsed.dontFragment);
}

TEST("parsing leaves nothing of an earlier packet in its result") {
  ParsedPacket parsed;
  HeldPacket first(syn().dontFragment().build());
  parsePacket(first.packet(), parsed);
  parsed.key.words[1] = parsed.key.words[3] = 7;
  parsed.key.tail = UINT64_MAX;
  parsed.key.family = Family::ipv6;
  HeldPacket second(datagram().build());
  parsePacket(second.packet(), parsed);
  const ParsedPacket fresh = parse(datagram().build());
  CHECK(parsed.key == fresh.key);
  CHECK_EQ(parsed.tcpFlags, 0);
  CHECK(!parsed.dontFragment);
  CHECK(parsed.error == ParseError::none);
}

TEST("parsing says what is wrong with every malformed packet") {
  const struct {
    const char* what;
    ParseError error;
    Bytes packet;
  } table[] = {
      {"nothing at all", ParseError::truncated, {}},
      {"an IPv4 packet that says it is IPv6", ParseError::truncated, syn().version(6).build()},
      {"one byte", ParseError::truncated, {0x45}},
      {"version 0", ParseError::badVersion, syn().version(0).build()},
      {"version 5", ParseError::badVersion, syn().version(5).build()},
      {"version 15", ParseError::badVersion, syn().version(15).build()},
      {"IHL 0", ParseError::badHeader, syn().headerWords(0).build()},
      {"IHL 4", ParseError::badHeader, syn().headerWords(4).build()},
      {"IHL beyond the total length", ParseError::badHeader,
       PacketBuilder().headerWords(15).totalLength(28).udp(1, 2).build()},
      {"IHL beyond the packet", ParseError::truncated,
       PacketBuilder().headerWords(15).totalLength(60).udp(1, 2).build()},
      {"total length 0", ParseError::badHeader, syn().totalLength(0).build()},
      {"total length below the header", ParseError::badHeader, syn().totalLength(19).build()},
      {"total length one too long", ParseError::truncated, syn().payload(9).totalLength(50).build()},
      {"total length 65535", ParseError::truncated, syn().totalLength(65535).build()},
      {"a wrong header checksum", ParseError::badChecksum, syn().wrongChecksum().build()},
      {"a wrong checksum with options", ParseError::badChecksum, syn().options({1, 1, 1, 1}).wrongChecksum().build()},
      {"TTL 0", ParseError::ttlExpired, syn().ttl(0).build()},
      {"TCP of 0 bytes", ParseError::shortTransport, syn().shortTransport(0).build()},
      {"TCP of 19 bytes", ParseError::shortTransport, syn().shortTransport(19).build()},
      {"TCP cut by the total length", ParseError::shortTransport, syn().totalLength(39).build()},
      {"UDP of 7 bytes", ParseError::shortTransport, PacketBuilder().udp(1, 2).shortTransport(7).build()},
      {"UDP whose trailer would complete it", ParseError::shortTransport,
       PacketBuilder().udp(1, 2).shortTransport(4).trailer(20).build()},
  };
  for (const auto& row : table) {
    const ParseError error = parse(row.packet).error;
    if (error != row.error) testing::fail(__FILE__, __LINE__, row.what + (": ParseError " + testing::show(error)));
  }
}

TEST("a packet that is not a whole TCP, UDP or SCTP packet gets the class that says where it goes") {
  const struct {
    const char* what;
    PacketClass packetClass;
    Bytes packet;
  } table[] = {
      {"TCP", PacketClass::flow, syn().build()},
      {"SCTP", PacketClass::flow, PacketBuilder().protocol(IpProtocol::sctp).payload(28).build()},
      {"the first fragment", PacketClass::fragment, syn().moreFragments().build()},
      {"a later fragment", PacketClass::fragment, syn().fragmentOffset(1480).build()},
      {"the last fragment that there can be", PacketClass::fragment, syn().fragmentOffset(65528).build()},
      {"ICMP", PacketClass::icmp, PacketBuilder().protocol(IpProtocol::icmp).payload(28).build()},
      {"protocol 0", PacketClass::other, PacketBuilder().protocol(IpProtocol{0}).payload(28).build()},
  };
  for (const auto& row : table) {
    const ParsedPacket parsed = parse(row.packet);
    CHECK(parsed.error == ParseError::none);
    if (parsed.packetClass != row.packetClass) testing::fail(__FILE__, __LINE__, row.what);
  }
}

TEST("parsing refuses sources that no client has") {
  for (const char* source : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
                             "255.255.255.255", "192.0.2.10" /* the VIP itself */}) {
    const auto error = parse(syn().ip(source, "192.0.2.10").build()).error;
    if (error != ParseError::badSource) testing::fail(__FILE__, __LINE__, std::string(source) + " was not refused");
  }
  for (const char* source : {"1.0.0.0", "10.0.0.1", "126.255.255.255", "128.0.0.0", "223.255.255.255", "192.0.2.11"}) {
    const auto error = parse(syn().ip(source, "192.0.2.10").build()).error;
    if (error != ParseError::none) testing::fail(__FILE__, __LINE__, std::string(source) + " was not taken");
  }
}

TEST("parsing steps over IP options to the ports") {
  const struct {
    const char* what;
    PacketBuilder packet;
  } table[] = {
      {"no-operations", syn().options({1, 1, 1, 1})},
      {"end of options at once", syn().options({0, 0xff, 0xff, 0xff})},
      {"router alert", syn().options({148, 4, 0, 0})},
      {"record route, full", syn().options({7, 39, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                            0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})},
      {"the shortest option", syn().options({30, 2, 30, 2})},
      {"a source route behind the end of options", syn().options({0, 131, 3, 4})},
  };
  for (const auto& row : table) {
    const ParsedPacket parsed = parse(PacketBuilder(row.packet).payload(3).build());
    if (parsed.error != ParseError::none) testing::fail(__FILE__, __LINE__, std::string(row.what) + " was not parsed");
    CHECK_EQ(parsed.key.virtualPort().host(), 80);
    CHECK_EQ(parsed.tcpFlags, kTcpSyn);
    CHECK_EQ(parsed.transport, parsed.length - 23);
  }
}

TEST("parsing refuses IP options that lie about their length") {
  for (const auto& packet : {
           syn().options({7, 0, 0, 0}),  // shorter than its own two bytes
           syn().options({7, 1, 0, 0}),
           syn().options({7, 5, 0, 0}),  // longer than the header
           syn().options({1, 1, 1, 7}),  // its length byte lies beyond
           syn().options({7, 4, 0, 0, 7, 255, 0, 0}),
           syn().options({131, 200, 4, 0}),
       }) {
    CHECK(parse(packet.build()).error == ParseError::badHeader);
  }
}

TEST("parsing refuses source-routed packets wherever the option stands") {
  CHECK(parse(syn().options({131, 7, 4, 10, 0, 0, 1}).build()).error == ParseError::sourceRouted);
  CHECK(parse(syn().options({137, 7, 4, 10, 0, 0, 1}).build()).error == ParseError::sourceRouted);
  CHECK(parse(syn().options({1, 7, 3, 4, 1, 131, 3, 4}).build()).error == ParseError::sourceRouted);
}

TEST("the packet is as long as its total length says, not as much as was read") {
  const ParsedPacket parsed = parse(datagram().trailer(7).build());
  CHECK(parsed.error == ParseError::none);
  CHECK_EQ(parsed.length, 39u);
}

TEST("parsing takes the longest packet that there is") {
  const ParsedPacket parsed = parse(PacketBuilder().udp(1, 2).payload(65535 - 28).build());
  CHECK(parsed.error == ParseError::none);
  CHECK_EQ(parsed.length, 65535u);
}

TEST("parsing reads the flags that decide a connection's fate, whatever other flags are set") {
  for (int flags = 0; flags < 256; flags++) {
    const ParsedPacket parsed = parse(PacketBuilder().tcp(1, 2, static_cast<uint8_t>(flags)).build());
    if (!CHECK_EQ(parsed.tcpFlags, flags)) return;
  }
}

// This is meant for the address sanitizer: each cut lies at the end of a heap block.
TEST("parsing reads nothing beyond a packet, wherever it is cut") {
  const Bytes whole = syn().options({7, 7, 4, 1, 2, 3, 4, 148, 4, 0, 0}).payload(4).build();
  for (size_t bytes = 0; bytes < whole.size(); bytes++) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(bytes));
    if (!CHECK(parse(cut).error == ParseError::truncated)) return;
    // The total length is made to agree, so that parsing goes on as far as it can.
    if (bytes < 32) continue;
    Bytes agreeing = cut;
    storeBe16(&agreeing[2], static_cast<uint16_t>(bytes));
    storeBe16(&agreeing[10], 0);
    const Be16 check = checksum(agreeing.data(), 32);
    std::memcpy(&agreeing[10], &check.raw, 2);
    const ParseError expected = bytes < 52 ? ParseError::shortTransport : ParseError::none;
    if (!CHECK(parse(agreeing).error == expected)) return;
  }
}

TEST("no random change of the IP header passes for the packet that was sent") {
  Random random(11);
  const Bytes good = syn().build();
  for (int i = 0; i < 20000; i++) {
    Bytes bad = good;
    bad[random.below(20)] ^= static_cast<uint8_t>(1u << random.below(8));
    if (!CHECK(parse(bad).error != ParseError::none)) return;  // the header checksum sees every single bit
  }
}

}  // namespace
}  // namespace tunvs::parse_test
