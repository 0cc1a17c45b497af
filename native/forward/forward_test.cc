#include "forward/forward.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "forward/gue.h"
#include "forward/tunnel_mtu.h"
#include "support/testing.h"
#include "support/tunnel_end.h"

namespace tunvs::forward_test {
namespace {

using Bytes = std::vector<uint8_t>;
using testing::takeApart;
using testing::Tunnelled;

constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};
constexpr TunnelOptions kTunnels[] = {
    {ForwardingMethod::ipip, 0, TunnelChecksum::none},    {ForwardingMethod::gue, 6080, TunnelChecksum::none},
    {ForwardingMethod::gue, 1, TunnelChecksum::checksum}, {ForwardingMethod::gue, 65535, TunnelChecksum::remote},
    {ForwardingMethod::gre, 0, TunnelChecksum::none},     {ForwardingMethod::gre, 0, TunnelChecksum::checksum},
};

IpAddress addressOf(Family family, uint8_t last) {
  const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, last};
  return family == Family::ipv4 ? IpAddress::v4(10, 0, 0, last) : IpAddress::v6(six);
}

// Makes an IP packet whose first nibble is right and whose other bytes are random.
Bytes randomInner(Family family, size_t length, std::mt19937& random) {
  Bytes inner(length);
  for (uint8_t& byte : inner) byte = static_cast<uint8_t>(random());
  inner[0] = static_cast<uint8_t>((family == Family::ipv4 ? 0x40 : 0x60) | (inner[0] & 0x0f));
  return inner;
}

EncapInput randomInput(const Bytes& inner, std::mt19937& random) {
  EncapInput in;
  in.length = static_cast<uint32_t>(inner.size());
  in.flowHash = static_cast<uint32_t>(random());
  in.identification = static_cast<uint16_t>(random());
  in.trafficClass = static_cast<uint8_t>(random());
  in.ttl = static_cast<uint8_t>(random());
  in.dontFragment = random() % 2 == 0;
  in.pmtuDisc = random() % 4 != 0;
  return in;
}

// Holds `inner` in a buffer with headroom, encapsulated.
class Sent {
 public:
  template <typename Encapsulate>
  Sent(const Bytes& inner, Encapsulate&& encapsulate) : buffer_(kHeadroom + inner.size()) {
    std::copy(inner.begin(), inner.end(), buffer_.begin() + kHeadroom);
    packet_ = encapsulate(&buffer_[kHeadroom]);
  }
  Sent(const OuterHeader& outer, const Bytes& inner, EncapInput in)
      : Sent(inner, [&](uint8_t* data) { return encapsulate(outer, data, in); }) {}

  Bytes bytes() const { return {packet_.data, packet_.data + packet_.length}; }
  Bytes innerBytes() const { return {buffer_.begin() + kHeadroom, buffer_.end()}; }

 private:
  Bytes buffer_;
  Packet packet_;
};

template <typename Body>
void forEachTunnel(Body&& body) {
  for (const TunnelOptions& options : kTunnels) {
    for (const Family inner : kFamilies) {
      for (const Family outer : kFamilies) {
        body(options, inner, makeOuterHeader(options, inner, addressOf(outer, 1), addressOf(outer, 11)), outer);
      }
    }
  }
}

int ecn(int trafficClass) { return trafficClass & 3; }

}  // namespace

TEST("decapsulating a tunnel packet gives the packet that went in, for every method and pair of families") {
  std::mt19937 random(1);
  forEachTunnel([&](const TunnelOptions& options, Family inner, const OuterHeader& outer, Family outerFamily) {
    for (int round = 0; round < 200; round++) {
      const Bytes packet = randomInner(inner, 20 + random() % 1480, random);
      const EncapInput in = randomInput(packet, random);
      const Sent sent(outer, packet, in);
      const Tunnelled taken = takeApart(sent.bytes());
      CHECK_EQ(taken.problem, "");
      CHECK(taken.inner == packet);
      CHECK(sent.innerBytes() == packet);
      CHECK_EQ(taken.outerVersion, static_cast<int>(outerFamily));
      CHECK_EQ(taken.hasChecksum, options.checksum != TunnelChecksum::none);
      CHECK_EQ(taken.ttl, in.ttl);
      CHECK_EQ(taken.flowLabel, 0);
      CHECK_EQ(taken.trafficClass >> 2, in.trafficClass >> 2);
      CHECK_EQ(ecn(taken.trafficClass), ecn(in.trafficClass) == 3 ? 2 : ecn(in.trafficClass));
      if (options.method == ForwardingMethod::gue) CHECK_EQ(taken.destinationPort, options.port);
      if (outerFamily == Family::ipv6) continue;
      const bool dontFragment = inner == Family::ipv4 && in.dontFragment && in.pmtuDisc;
      CHECK_EQ(taken.dontFragment, dontFragment);
      CHECK_EQ(taken.identification, dontFragment ? 0 : in.identification);
    }
  });
}

TEST("the packet path's encapsulation gives the same bytes") {
  std::mt19937 random(6);
  forEachTunnel([&](const TunnelOptions&, Family inner, const OuterHeader& outer, Family) {
    for (int round = 0; round < 100; round++) {
      const Bytes packet = randomInner(inner, 20 + random() % 1480, random);
      const EncapInput in = randomInput(packet, random);
      ParsedPacket parsed;
      parsed.length = in.length;
      parsed.trafficClass = in.trafficClass;
      parsed.ttl = in.ttl;
      parsed.dontFragment = in.dontFragment;
      const Sent sent(packet, [&](uint8_t* data) {
        return encapsulate(outer, data, parsed, in.flowHash, in.identification, in.pmtuDisc);
      });
      CHECK(sent.bytes() == Sent(outer, packet, in).bytes());
    }
  });
}

TEST("the longest packet that a tunnel can carry makes 65,535 bytes") {
  std::mt19937 random(2);
  forEachTunnel([&](const TunnelOptions&, Family inner, const OuterHeader& outer, Family) {
    const Bytes packet = randomInner(inner, maxInnerLength(outer), random);
    const Sent sent(outer, packet, randomInput(packet, random));
    CHECK_EQ(sent.bytes().size(), 65535);
    const Tunnelled taken = takeApart(sent.bytes());
    CHECK_EQ(taken.problem, "");
    CHECK(taken.inner == packet);
  });
}

TEST("an outer header is as long as the MTU arithmetic says") {
  forEachTunnel([](const TunnelOptions& options, Family inner, const OuterHeader& outer, Family outerFamily) {
    CHECK_EQ(overhead(options, inner, outerFamily), outer.length);
    CHECK(outer.length <= kMaxOuterBytes);
  });
}

TEST("direct routing sends the packet itself, and so does a local node") {
  std::mt19937 random(3);
  for (const Family family : kFamilies) {
    for (const ForwardingMethod method : {ForwardingMethod::dr, ForwardingMethod::local}) {
      const OuterHeader outer =
          makeOuterHeader({.method = method}, family, addressOf(family, 1), addressOf(family, 11));
      const Bytes packet = randomInner(family, 333, random);
      CHECK(Sent(outer, packet, randomInput(packet, random)).bytes() == packet);
      CHECK_EQ(maxInnerLength(outer), 65535);
    }
  }
}

TEST("a GUE checksum that comes to 0 is sent as 0xffff") {
  const TunnelOptions options{ForwardingMethod::gue, 6080, TunnelChecksum::checksum};
  const OuterHeader outer =
      makeOuterHeader(options, Family::ipv4, addressOf(Family::ipv4, 1), addressOf(Family::ipv4, 11));
  Bytes packet(22);
  packet[0] = 0x45;
  const EncapInput in{.length = 22, .identification = 1, .ttl = 64};
  const Bytes before = Sent(outer, packet, in).bytes();
  // Appending a sum's complement brings the sum to 0xffff, and its complement to 0.
  packet[20] = before[26];
  packet[21] = before[27];
  const Bytes after = Sent(outer, packet, in).bytes();
  CHECK_EQ(loadBe16(&after[26]), 0xffff);
  CHECK_EQ(takeApart(after).problem, "");
}

TEST("the real server finishes a checksum that GUE's remote checksum left to it") {
  std::mt19937 random(4);
  const TunnelOptions options{ForwardingMethod::gue, 6080, TunnelChecksum::remote};
  for (const Family outerFamily : kFamilies) {
    for (size_t payloadBytes = 0; payloadBytes < 64; payloadBytes++) {
      const OuterHeader outer =
          makeOuterHeader(options, Family::ipv4, addressOf(outerFamily, 1), addressOf(outerFamily, 11));
      Bytes packet = randomInner(Family::ipv4, 40 + payloadBytes, random);
      packet[0] = 0x45;
      // The sum covers the pseudo header: source and destination, protocol TCP, length.
      const Be16 sum{checksumFold(
          checksumAdd(&packet[12], 8, Be16::from(6).raw + Be16::from(static_cast<uint16_t>(20 + payloadBytes)).raw))};
      std::memcpy(&packet[36], &sum.raw, 2);
      const Sent sent(packet, [&](uint8_t* data) {
        return encapsulateGueUnfinished(outer, data, randomInput(packet, random), {.start = 20, .field = 36});
      });
      const Tunnelled taken = takeApart(sent.bytes());
      REQUIRE(taken.problem.empty());
      CHECK_EQ(sent.bytes().size(), packet.size() + overhead(options, Family::ipv4, outerFamily, true));
      Bytes pseudo(packet.begin() + 12, packet.begin() + 20);
      for (const size_t byte : {size_t{0}, size_t{6}, (20 + payloadBytes) >> 8, (20 + payloadBytes) & 0xff})
        pseudo.push_back(static_cast<uint8_t>(byte));
      CHECK(testing::addsUp({taken.inner.begin() + 20, taken.inner.end()}, pseudo));
    }
  }
}

TEST("GUE's source ports stay in Linux's local range, end to end, and spread evenly") {
  CHECK_EQ(gueSourcePort(0), 32768);
  CHECK_EQ(gueSourcePort(0xffffffff), 60999);
  std::mt19937 random(5);
  std::set<uint16_t> ports;
  size_t lowerHalf = 0;
  for (int i = 0; i < 20000; i++) {
    const uint16_t port = gueSourcePort(static_cast<uint32_t>(random()));
    CHECK(port >= 32768 && port <= 60999);
    ports.insert(port);
    lowerHalf += port < 32768 + 14116 ? 1 : 0;
  }
  CHECK(ports.size() > 13500);  // 28232 * (1 - e^(-20000/28232)) = 14,330 are expected
  CHECK(lowerHalf > 9500 && lowerHalf < 10500);
}

TEST("a tunnel's options are refused when its method has no use for them, or lacks one that it needs") {
  struct Row {
    TunnelOptions options;
    Family inner, outer;
    const char* refusal;  // a part of it; empty when the options are accepted
  };
  using enum ForwardingMethod;
  using enum TunnelChecksum;
  constexpr auto v4 = Family::ipv4, v6 = Family::ipv6;
  const Row rows[] = {
      {{ipip, 0, none}, v4, v6, ""},
      {{ipip, 9, none}, v4, v4, "'ipip' has no port"},
      {{ipip, 0, checksum}, v4, v4, "'ipip' has no tunnel checksum"},
      {{gue, 0, none}, v4, v4, "'gue' needs the real server's UDP port"},
      {{gue, 9, remote}, v6, v4, ""},
      {{gre, 0, checksum}, v6, v6, ""},
      {{gre, 9, none}, v4, v4, "'gre' has no port"},
      {{gre, 0, remote}, v4, v4, "'gre' has no remote checksum"},
      {{dr, 0, none}, v6, v6, ""},
      {{dr, 0, none}, v4, v6, "'dr' needs a real server of the virtual service's address family"},
      {{dr, 0, checksum}, v4, v4, "'dr' has no tunnel checksum"},
  };
  for (const Row& row : rows) {
    const auto checked = checkTunnel(row.options, row.inner, row.outer);
    CHECK_EQ(checked.ok(), row.refusal[0] == '\0');
    if (!checked) CHECK(checked.error().message.find(row.refusal) != std::string::npos);
  }
}

}  // namespace tunvs::forward_test
