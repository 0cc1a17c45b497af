#include "forward/ipip.h"

#include <algorithm>

#include "support/packet_builder.h"
#include "support/random.h"
#include "support/testing.h"

namespace tunvs::ipip_test {
namespace {

using testing::Bytes;
using testing::naiveSum;
using testing::PacketBuilder;
using testing::Random;

const IpAddress kDirector = IpAddress::v4(10, 0, 0, 1), kServer = IpAddress::v4(10, 0, 0, 11);
constexpr uint16_t kIdentification = 0xbeef;

// Returns `inner` with its outer header, after checking what always holds.
Bytes encapsulated(const Bytes& inner) {
  Bytes buffer(kHeadroom + inner.size(), 0xa5);
  std::copy(inner.begin(), inner.end(), buffer.begin() + kHeadroom);
  ParsedPacket parsed;
  parsePacket({&buffer[kHeadroom], static_cast<uint32_t>(inner.size())}, parsed);
  CHECK(parsed.error == ParseError::none);
  const OuterHeader outer = makeIpipHeader(kDirector, kServer);
  const Packet sent = encapsulateIpip(outer, &buffer[kHeadroom], parsed, kIdentification);
  CHECK_EQ(sent.data, &buffer[kHeadroom - 20]);
  CHECK_EQ(sent.length, parsed.length + 20);
  CHECK(std::all_of(buffer.begin(), buffer.begin() + kHeadroom - 20, [](uint8_t byte) { return byte == 0xa5; }));
  CHECK(std::equal(inner.begin(), inner.end(), buffer.begin() + kHeadroom));
  CHECK_EQ(naiveSum(sent.data, 20), 0xffff);
  return {sent.data, sent.data + sent.length};
}

PacketBuilder request() { return PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(40000, 80, kTcpAck); }

TEST("ipip puts a complete IPv4 header in front") {
  const Bytes sent = encapsulated(request().tos(0x28).ttl(57).dontFragment().payload(100).build());
  const Bytes expected = {0x45, 0x28, 0x00, 0xa0, 0x00, 0x00, 0x40, 0x00, 57, 4};
  CHECK_EQ(Bytes(sent.begin(), sent.begin() + 10), expected);
  const Bytes addresses = {10, 0, 0, 1, 10, 0, 0, 11};
  CHECK_EQ(Bytes(sent.begin() + 12, sent.begin() + 20), addresses);
}

TEST("ipip copies DSCP and ECN, but turns CE into ECT(0)") {
  for (int tos = 0; tos < 256; tos++) {
    const Bytes sent = encapsulated(request().tos(static_cast<uint8_t>(tos)).build());
    const int expected = (tos & 3) == 3 ? tos - 1 : tos;
    if (!CHECK_EQ(sent[1], expected)) return;
    if (!CHECK_EQ(sent[21], tos)) return;
  }
}

TEST("ipip copies the TTL, down to the last hop") {
  for (const int ttl : {1, 2, 63, 64, 128, 255})
    CHECK_EQ(encapsulated(request().ttl(static_cast<uint8_t>(ttl)).build())[8], ttl);
}

TEST("ipip sends DF with identification 0, and no DF with one of its own") {
  const Bytes whole = encapsulated(request().identification(0x7777).dontFragment().build());
  CHECK_EQ(loadBe16(&whole[4]), 0);
  CHECK_EQ(loadBe16(&whole[6]), 0x4000);
  const Bytes divisible = encapsulated(request().identification(0x7777).build());
  CHECK_EQ(loadBe16(&divisible[4]), kIdentification);
  CHECK_EQ(loadBe16(&divisible[6]), 0);
}

TEST("ipip sends as much as the inner length says, without a trailer") {
  const Bytes inner = request().payload(1).trailer(5).build();
  const Bytes sent = encapsulated(inner);
  CHECK_EQ(loadBe16(&sent[2]), 61);
  CHECK_EQ(sent.size(), 61u);
}

TEST("ipip takes packets up to the longest that there can be") {
  const Bytes sent = encapsulated(request().payload(65535 - 20 - 40).build());
  CHECK_EQ(sent.size(), 65535u);
  CHECK_EQ(loadBe16(&sent[2]), 65535);
}

TEST("ipip leaves the options of the inner header where they are") {
  const Bytes inner = request().options({148, 4, 0, 0}).payload(3).build();
  const Bytes sent = encapsulated(inner);
  CHECK_EQ(sent[0], 0x45);
  CHECK_EQ(Bytes(sent.begin() + 20, sent.end()), inner);
}

TEST("ipip gives every outer header the right checksum, whatever is inside") {
  Random random(6);
  for (int i = 0; i < 5000; i++) {
    auto packet = PacketBuilder()
                      .ip(IpAddress::v4(Be32::from(0x0b000000 + random.below(1u << 24))), IpAddress::v4(192, 0, 2, 10))
                      .tos(static_cast<uint8_t>(random.next()))
                      .ttl(static_cast<uint8_t>(1 + random.below(255)))
                      .udp(static_cast<uint16_t>(random.next()), 53)
                      .payload(random.below(300));
    if (random.oneIn(2)) packet.dontFragment();
    encapsulated(packet.build());
  }
}

}  // namespace
}  // namespace tunvs::ipip_test
