// What the fast path's program sends is what the director would have sent.
#include "packet/checksum.h"
#include "support/fast_path_bench.h"
#include "support/mutations.h"
#include "support/raw_bytes.h"

namespace tunvs::fast_path_oracle_test {
namespace {

using namespace tunvs::testing;

struct Way {
  ForwardingMethod method;
  Family inner, outer;
  bool hasChecksum = false;
};

std::vector<Way> ways() {
  std::vector<Way> all;
  for (const auto method :
       {ForwardingMethod::ipip, ForwardingMethod::gre, ForwardingMethod::gue, ForwardingMethod::dr}) {
    for (const Family inner : {Family::ipv4, Family::ipv6}) {
      for (const Family outer : {Family::ipv4, Family::ipv6}) {
        if (method != ForwardingMethod::dr || inner == outer) all.push_back({method, inner, outer});
      }
    }
  }
  return all;
}

// Those with a tunnel checksum.
std::vector<Way> sealedWays() {
  std::vector<Way> all;
  for (const Way& way : ways()) {
    if (way.method == ForwardingMethod::gre || way.method == ForwardingMethod::gue) {
      all.push_back(way);
      all.back().hasChecksum = true;
    }
  }
  return all;
}

std::string textOf(const Way& way) {
  const auto number = [](Family family) { return family == Family::ipv4 ? "4" : "6"; };
  return std::string(nameOf(way.method)) + " " + number(way.inner) + " in " + number(way.outer) +
         (way.hasChecksum ? " with a checksum" : "");
}

ServiceKey serviceOf(Family family, uint8_t protocol) {
  return {family == Family::ipv4 ? TestDirector::kWeb.address : address("2001:db8::10"), 80, protocol};
}

ServerConfig configOf(const Way& way) {
  ServerConfig config;
  config.tunnel.method = way.method;
  if (way.method == ForwardingMethod::gue) config.tunnel.port = 6080;
  if (way.hasChecksum) config.tunnel.checksum = TunnelChecksum::checksum;
  return config;
}

// Adds a service of one real server, which is reached by this way.
void addWay(TestDirector& t, const Way& way, uint8_t protocol) {
  const ServiceKey service = serviceOf(way.inner, protocol);
  t.addService("rr", service);
  const ServerKey server{address(way.outer == Family::ipv4 ? "10.0.0.11" : "2001:db8:1::11"), 80};
  REQUIRE(t.apply(AddServer{service, server, configOf(way)}).ok());
}

// Makes a client's packet. `flags` are TCP's.
Bytes clientPacket(Family family, uint8_t protocol, uint8_t flags, size_t payload, uint8_t trafficClass = 0,
                   bool dontFragment = true) {
  if (family == Family::ipv4) {
    PacketBuilder builder = PacketBuilder().ip("198.51.100.7", "192.0.2.10").tos(trafficClass);
    if (dontFragment) builder.dontFragment();
    return (protocol == 6 ? builder.tcp(40000, 80, flags) : builder.udp(40000, 80)).payload(payload).build();
  }
  Bytes transport(protocol == 6 ? 20 : 8);
  storeBe16(&transport[0], 40000);
  storeBe16(&transport[2], 80);
  if (protocol == 6) {
    transport[12] = 0x50;
    transport[13] = flags;
  } else {
    storeBe16(&transport[4], static_cast<uint16_t>(8 + payload));
  }
  return ipv6Packet(address("2001:db8:7::7"), address("2001:db8::10"), protocol, transport + Bytes(payload, 0x5a),
                    trafficClass);
}

// Gives a client's packet the checksum that its transport should have.
Bytes sealed(Bytes packet) {
  const bool isV4 = packet[0] >> 4 == 4;
  const size_t at = isV4 ? 20 : 40;
  const uint8_t protocol = packet[isV4 ? 9 : 6];
  const size_t field = at + (protocol == 6 ? 16 : 6);
  const IpAddress from = isV4 ? IpAddress::v4({loadUnaligned<uint32_t>(&packet[12])}) : IpAddress::v6(&packet[8]);
  const IpAddress to = isV4 ? IpAddress::v4({loadUnaligned<uint32_t>(&packet[16])}) : IpAddress::v6(&packet[24]);
  storeBe16(&packet[field], 0);
  const Be16 check = checksum(&packet[at], packet.size() - at,
                              pseudoHeaderSum(from, to, protocol, static_cast<uint32_t>(packet.size() - at)));
  std::memcpy(&packet[field], &check.raw, 2);
  return packet;
}

// Takes out the outer identification, and the checksum that covers it, where DF does not make it 0.
Bytes withoutIdentification(Bytes packet) {
  if (packet.size() >= 20 && packet[0] == 0x45 && (packet[6] & 0x40) == 0) {
    std::fill_n(&packet[4], 2, uint8_t{0});
    std::fill_n(&packet[10], 2, uint8_t{0});
  }
  return packet;
}

void checkWay(const Way& way, bool isIngress) {
  for (const uint8_t protocol : {uint8_t{6}, uint8_t{17}}) {
    FastPathBench b(FastPathBench::optionsWithClock(), isIngress);
    addWay(b.t, way, protocol);
    const auto make = [&](uint8_t flags, size_t payload, uint8_t trafficClass = 0, bool dontFragment = true) {
      return sealed(clientPacket(way.inner, protocol, flags, payload, trafficClass, dontFragment));
    };
    b.establish(make(kTcpSyn, 0), make(kTcpAck, 0));
    for (const uint8_t trafficClass : {0x00, 0x2b, 0x02, 0xff}) {
      for (const bool dontFragment : {true, false}) {
        const Bytes packet = make(kTcpAck | 0x08, 333, trafficClass, dontFragment);
        const Bytes sent = b.run(packet);
        CHECK_EQ(textOf(way) + " " + b.send(packet), textOf(way) + " " + (way.outer == Family::ipv4 ? "11" : "184"));
        const bool isDr = way.method == ForwardingMethod::dr;
        CHECK_EQ(isDr ? sent : withoutIdentification(sent), isDr ? b.t.sent : withoutIdentification(b.t.sent));
      }
    }
  }
}

TEST("the fast path sends by every method and family as the director does") {
  SKIP_WITHOUT_FAST_PATH();
  for (const Way& way : ways()) {
    for (const bool isIngress : {false, true}) checkWay(way, isIngress);
  }
}

TEST(
    "the fast path makes the checksums of tunnels without a look at the packet's bytes, as the director does with "
    "one") {
  SKIP_WITHOUT_FAST_PATH();
  Random random(2);
  for (const bool hasRange : {false, true}) {
    DirectorOptions options = FastPathBench::optionsWithClock();
    if (hasRange) {
      options.settings.v4 = SourceRange{address("10.0.1.0"), 28};
      options.settings.v6 = SourceRange{address("2001:db8:5::"), 60};
    }
    for (const Way& way : sealedWays()) {
      if (!hasRange) {
        for (const bool isIngress : {false, true}) checkWay(way, isIngress);
      }
      FastPathBench b(options, /*isIngress=*/random.oneIn(2));
      for (const uint8_t protocol : {uint8_t{6}, uint8_t{17}}) {
        addWay(b.t, way, protocol);
        const auto first = clientPacket(way.inner, protocol, kTcpSyn, 0);
        b.establish(first, sealed(clientPacket(way.inner, protocol, kTcpAck, 0)));
        for (int i = 0; i < 200; i++) {
          Bytes packet = clientPacket(way.inner, protocol, kTcpAck, random.below(1300),
                                      static_cast<uint8_t>(random.next()), random.oneIn(2));
          const size_t at = way.inner == Family::ipv4 ? 28 : 48;
          for (size_t byte = at + (protocol == 6 ? 12 : 0); byte < packet.size(); byte++)
            packet[byte] = static_cast<uint8_t>(random.next());
          packet = sealed(packet);
          const Bytes sent = b.run(packet);
          b.send(packet);
          CHECK(!sent.empty());
          CHECK_EQ(withoutIdentification(sent), withoutIdentification(b.t.sent));
        }
        if (protocol == 6) continue;
        Bytes bare = clientPacket(way.inner, protocol, 0, 50);
        storeBe16(&bare[way.inner == Family::ipv4 ? 26 : 46], 0);
        CHECK(b.run(bare).empty());
      }
    }
  }
}

TEST("outer headers of the fast path without DF are valid, and numbered") {
  SKIP_WITHOUT_FAST_PATH();
  FastPathBench b;
  addWay(b.t, {ForwardingMethod::ipip, Family::ipv4, Family::ipv4}, 17);
  const Bytes packet = clientPacket(Family::ipv4, 17, 0, 100, 0, /*dontFragment=*/false);
  b.establish(packet, packet);
  std::vector<uint16_t> numbers;
  for (int i = 0; i < 3; i++) {
    const Bytes sent = b.run(packet);
    REQUIRE(sent.size() == packet.size() + 20);
    CHECK(isChecksumRight20(sent.data()));
    numbers.push_back(loadBe16(&sent[4]));
    b.send(packet);
  }
  CHECK(numbers[0] != numbers[1] && numbers[1] != numbers[2] && numbers[0] != numbers[2]);
}

TEST("the fast path takes its sources out of the range, as the director does") {
  SKIP_WITHOUT_FAST_PATH();
  DirectorOptions options = FastPathBench::optionsWithClock();
  options.settings.v4 = SourceRange{address("10.0.1.0"), 28};
  options.settings.v6 = SourceRange{address("2001:db8:5::"), 60};
  for (const Family outer : {Family::ipv4, Family::ipv6}) {
    FastPathBench b(options);
    addWay(b.t, {ForwardingMethod::ipip, Family::ipv4, outer}, 6);
    b.fast->refresh();
    for (uint16_t port = 1024; port < 1064; port++) {
      const auto make = [&](uint8_t flags) {
        return PacketBuilder().ip("198.51.100.7", "192.0.2.10").dontFragment().tcp(port, 80, flags).build();
      };
      b.establish(make(kTcpSyn), make(kTcpAck));
      const Bytes sent = b.run(make(kTcpAck));
      b.send(make(kTcpAck));
      CHECK_EQ(sent, b.t.sent);
    }
  }
}

TEST("whatever the fast path sends, the director would have sent the same") {
  SKIP_WITHOUT_FAST_PATH();
  Random random(1);
  uint64_t sentOn = 0;
  for (const Way& way : ways()) {
    FastPathBench b(FastPathBench::optionsWithClock(), /*isIngress=*/random.oneIn(2));
    for (const uint8_t protocol : {uint8_t{6}, uint8_t{17}}) addWay(b.t, way, protocol);
    for (int i = 0; i < 1500; i++) {
      const uint8_t protocol = random.oneIn(2) ? 6 : 17;
      if (i % 20 == 0) {
        b.establish(clientPacket(way.inner, protocol, kTcpSyn, 0), clientPacket(way.inner, protocol, kTcpAck, 0));
      }
      const Bytes whole = clientPacket(way.inner, protocol, kTcpAck, random.below(1300),
                                       static_cast<uint8_t>(random.next()), random.oneIn(2));
      const Bytes packet = mutated(whole, random, 60);
      const Bytes sent = b.run(packet);
      // The director may keep a fragment, and send several packets for another.
      const bool isFragment = packet[0] >> 4 == 4 ? (loadBe16(&packet[6]) & 0x3fff) != 0 : packet[6] == 44;
      if (isFragment) {
        CHECK(sent.empty());
        continue;
      }
      const std::string went = b.send(packet);
      if (sent.empty()) continue;
      sentOn++;
      CHECK_EQ(went, way.outer == Family::ipv4 ? "11" : "184");
      const bool isDr = way.method == ForwardingMethod::dr;
      CHECK_EQ(isDr ? sent : withoutIdentification(sent), isDr ? b.t.sent : withoutIdentification(b.t.sent));
    }
  }
  CHECK(sentOn > 1000);
}

}  // namespace
}  // namespace tunvs::fast_path_oracle_test
