#include "director/director.h"

#include <set>

#include "support/random.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::director_test {
namespace {

using testing::Bytes;
using testing::Counts;
using testing::naiveSum;
using testing::PacketBuilder;
using testing::TestDirector;

const ServiceKey kWeb = TestDirector::kWeb, kNames = TestDirector::kNames;

PacketBuilder syn(uint16_t port) { return PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(port, 80, kTcpSyn); }

// A whole vector through process(). The inputs stay in `held`, so that outputs may point into them.
struct Vector {
  explicit Vector(const std::vector<Bytes>& contents) {
    for (const auto& bytes : contents) held.emplace_back(bytes);
    for (auto& packet : held) packets.push_back(packet.packet());
    verdicts.resize(packets.size());
  }
  void process(TestDirector& t, size_t worker = 0) { t.director.process(worker, packets, t.now, out, verdicts.data()); }
  std::vector<testing::HeldPacket> held;
  std::vector<Packet> packets;
  std::vector<Verdict> verdicts;
  OutputVector out;
};

TEST("sends a packet of a service to a real server, encapsulated and otherwise untouched") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  const Bytes inner = syn(4000).tos(0x10).ttl(61).dontFragment().payload(33).build();
  CHECK_EQ(t.send(inner), "11");
  REQUIRE(t.sent.size() == inner.size() + 20);
  const Bytes outer = {0x45, 0x10, 0, static_cast<uint8_t>(t.sent.size()), 0, 0, 0x40, 0, 61, 4};
  CHECK_EQ(Bytes(t.sent.begin(), t.sent.begin() + 10), outer);
  CHECK_EQ(naiveSum(t.sent.data(), 20), 0xffff);
  const Bytes addresses = {10, 0, 0, 1, 10, 0, 0, 11};
  CHECK_EQ(Bytes(t.sent.begin() + 12, t.sent.begin() + 20), addresses);
  CHECK_EQ(Bytes(t.sent.begin() + 20, t.sent.end()), inner);
}

TEST("keeps a connection on its server, whatever the scheduler would say now") {
  TestDirector t;
  t.addService("rr");
  for (const uint8_t lastByte : {11, 12, 13}) t.addServer(lastByte);
  CHECK_EQ(t.establish(1), "13");
  CHECK_EQ(t.establish(2), "12");
  CHECK_EQ(t.establish(3), "11");
  for (int i = 0; i < 5; i++) CHECK_EQ(t.tcp(2, kTcpAck), "12");
  CHECK_EQ(t.tcp(1, kTcpFin | kTcpAck), "13");
  CHECK_EQ(t.tcp(1, kTcpAck), "13");
  CHECK_EQ(t.director.connectionCount(), 3u);
}

TEST("balances UDP by flow, and counts it as inactive") {
  TestDirector t;
  t.addService("rr", kNames);
  t.addServer(11, {}, kNames);
  t.addServer(12, {}, kNames);
  CHECK_EQ(t.udp(1), "12");
  CHECK_EQ(t.udp(2), "11");
  CHECK_EQ(t.udp(1), "12");
  CHECK_EQ(t.counts(12, kNames), Counts{0, 1});
  CHECK_EQ(t.connections()[0].state, "UDP");
  t.pass(299);
  CHECK_EQ(t.udp(1), "12");
  t.pass(1);
  CHECK_EQ(t.director.connectionCount(), 1u);
  t.pass(298);
  CHECK_EQ(t.udp(1), "12");
  t.pass(300);
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.counts(12, kNames), Counts{});
}

TEST("tells TCP and UDP on one port apart") {
  TestDirector t;
  const ServiceKey udpWeb{kWeb.address, kWeb.port, 17};
  t.addService("rr");
  t.addServer(11);
  t.addService("rr", udpWeb);
  t.addServer(12, {}, udpWeb);
  CHECK_EQ(t.send(syn(4000).build()), "11");
  CHECK_EQ(t.send(PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(4000, 80).build()), "12");
}

TEST("gives every packet of a vector one verdict, and outputs in order with their causes") {
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
  std::vector<Bytes> contents;
  for (uint16_t i = 0; i < kVectorSize; i++) {
    if (i % 3 == 0) contents.push_back(syn(static_cast<uint16_t>(1000 + i)).build());
    if (i % 3 == 1) contents.push_back(syn(static_cast<uint16_t>(1000 + i)).wrongChecksum().build());
    if (i % 3 == 2) contents.push_back(PacketBuilder().ip("198.51.100.7", "192.0.2.99").udp(i, 53).build());
  }
  Vector vector(contents);
  vector.process(t);
  CHECK_EQ(vector.out.count(), 22u);
  for (size_t i = 0; i < vector.out.count(); i++) {
    CHECK_EQ(vector.out.cause(i), i * 3);
    CHECK_EQ(vector.out[i].data, vector.packets[i * 3].data - 20);
    CHECK_EQ(vector.out[i].nextHop.bytes[3], i % 2 == 0 ? 12 : 11);
  }
  for (size_t i = 0; i < kVectorSize; i++) {
    const Verdict expected = i % 3 == 0   ? Verdict::forwarded
                             : i % 3 == 1 ? Verdict::dropBadChecksum
                                          : Verdict::dropNoService;
    if (!CHECK(vector.verdicts[i] == expected)) return;
  }
}

TEST("keeps the packets of one flow in order, opening included, in vectors of every size") {
  for (size_t size = 0; size <= kVectorSize; size++) {
    TestDirector t;
    t.addService("rr");
    t.addServer(11);
    t.addServer(12);
    std::vector<Bytes> contents;
    for (size_t i = 0; i < size; i++) {  // two flows, interleaved, each with its SYN in the same vector
      const auto port = static_cast<uint16_t>(5000 + i % 2);
      contents.push_back(
          PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(port, 80, i < 2 ? kTcpSyn : kTcpAck).payload(i).build());
    }
    Vector vector(contents);
    vector.process(t);
    if (!CHECK_EQ(vector.out.count(), size)) return;
    for (size_t i = 0; i < size; i++) {
      if (!CHECK_EQ(vector.out.cause(i), i)) return;
      if (!CHECK_EQ(vector.out[i].nextHop.bytes[3], i % 2 == 0 ? 12 : 11)) return;
    }
    CHECK_EQ(t.counter("received"), size);
    CHECK_EQ(t.counter("vectors"), size == 0 ? 0u : 1u);
  }
}

TEST("says why it dropped a packet, once for each possible reason") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.pathMtu = 65535;
  TestDirector t(options);
  t.addService("rr");
  t.addServer(11);
  t.addService("rr", kNames);  // without servers
  const std::pair<const char*, Bytes> table[] = {
      {"dropTruncated", syn(1).totalLength(1000).build()},
      {"dropBadVersion", syn(1).version(7).build()},
      {"dropBadHeader", syn(1).headerWords(3).build()},
      {"dropBadChecksum", syn(1).wrongChecksum().build()},
      {"dropBadSource", syn(1).ip("127.0.0.1", "192.0.2.10").build()},
      {"dropSourceRouted", syn(1).options({131, 3, 4}).build()},
      {"dropTtlExpired", syn(1).ttl(0).build()},
      {"dropFragment", syn(1).fragmentOffset(8).build()},  // reaches into the TCP header
      {"dropIcmp", PacketBuilder().ip("198.51.100.7", "192.0.2.10").protocol(IpProtocol::icmp).payload(8).build()},
      {"dropProtocol", PacketBuilder().ip("198.51.100.7", "192.0.2.10").protocol(IpProtocol::gre).payload(8).build()},
      {"dropShortTransport", syn(1).shortTransport(10).build()},
      {"dropNoService", syn(1).ip("198.51.100.7", "192.0.2.11").build()},
      {"dropNoService", PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1, 81, kTcpSyn).build()},
      {"dropNotScheduled", PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1, 80, kTcpAck).build()},
      {"dropNoServer", PacketBuilder().ip("198.51.100.7", "192.0.2.10").udp(1, 53).build()},
      {"dropTooLong",
       PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1, 80, kTcpSyn).payload(65535 - 40 - 19).build()},
  };
  for (const auto& [verdict, packet] : table) {
    const uint64_t before = t.counter(verdict);
    CHECK_EQ(t.send(packet), verdict);
    CHECK_EQ(t.counter(verdict), before + 1);
  }
  const Bytes longest =
      PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(2, 80, kTcpSyn).payload(65535 - 40 - 20).build();
  CHECK_EQ(t.send(longest), "11");
  CHECK_EQ(t.sent.size(), 65535u);
}

TEST("drops packets to a server that it has no source address for") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.v4.reset();
  TestDirector t(options);
  t.addService();
  t.addServer(11);
  CHECK_EQ(t.tcp(1, kTcpSyn), "dropNoSource");
}

// The law of stats.h: every received packet is in exactly one count of verdicts.
TEST("counts every packet once, as forwarded or by the reason why it was dropped") {
  TestDirector t;
  t.addService("wlc");
  t.addServer(11);
  t.addServer(12);
  testing::Random random(12);
  uint64_t received = 0, bytes = 0, forwarded = 0, forwardedBytes = 0;
  for (int round = 0; round < 300; round++) {
    std::vector<Bytes> contents;
    for (uint32_t i = random.below(kVectorSize + 1); i > 0; i--) {
      Bytes packet = syn(static_cast<uint16_t>(1024 + random.below(500))).payload(random.below(40)).build();
      if (random.oneIn(3))
        packet[random.below(static_cast<uint32_t>(packet.size()))] ^= static_cast<uint8_t>(1 + random.below(255));
      if (random.oneIn(5)) packet.resize(random.below(static_cast<uint32_t>(packet.size()) + 1));
      if (random.oneIn(7)) {
        for (auto& byte : packet) byte = static_cast<uint8_t>(random.next());
      }
      bytes += packet.size();
      contents.push_back(std::move(packet));
    }
    Vector vector(contents);
    vector.process(t);
    received += contents.size();
    forwarded += vector.out.count();
    for (size_t i = 0; i < vector.out.count(); i++) forwardedBytes += vector.out[i].length - 20;
  }
  uint64_t verdicts = 0;
  for (const auto name : kVerdictNames) verdicts += t.counter(name);
  CHECK_EQ(t.counter("received"), received);
  CHECK_EQ(t.counter("receivedBytes"), bytes);
  CHECK_EQ(verdicts, received);
  CHECK_EQ(t.counter("forwarded"), forwarded);
  CHECK_EQ(t.counter("forwardedBytes"), forwardedBytes);
  CHECK_EQ(t.serviceRow().traffic.inPackets, forwarded);
  CHECK_EQ(t.serviceRow().traffic.inBytes, forwardedBytes);
  CHECK_EQ(t.serviceRow().traffic.connections, t.counter("connectionsCreated"));
}

TEST("lets any worker continue a connection that another began") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = 4;
  TestDirector t(options);
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
  CHECK_EQ(t.tcp(1, kTcpSyn, 0), "12");
  CHECK_EQ(t.tcp(1, kTcpAck, 3), "12");
  CHECK_EQ(t.tcp(1, kTcpFin, 2), "12");
  CHECK_EQ(t.counts(12), Counts{0, 1});
  t.pass(120);
  CHECK_EQ(t.counts(12), Counts{});
}

TEST("divides expiry among the workers, each shard to one") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.workers = 3;
  options.maxConnections = 200000;
  TestDirector t(options);
  t.addService("rr");
  t.addServer(11);
  for (uint32_t client = 0; client < 500; client++) t.tcp(client, kTcpSyn);
  t.now += ticksFromSeconds(60);
  uint64_t before = t.director.connectionCount();
  for (size_t worker = 0; worker < 3; worker++) {
    t.director.expire(worker, t.now, true, SIZE_MAX);
    const uint64_t after = t.director.connectionCount();
    CHECK(after < before);
    before = after;
  }
  CHECK_EQ(before, 0u);
}

TEST("numbers consecutively the outer headers that may be fragmented") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  std::set<uint16_t> ids;
  for (uint16_t i = 0; i < 1000; i++) {
    CHECK_EQ(t.send(syn(static_cast<uint16_t>(2000 + i % 100)).build()), "11");
    ids.insert(loadBe16(&t.sent[4]));
  }
  CHECK_EQ(ids.size(), 1000u);
}

TEST("lists connections with their server, state and time left") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  t.establish(7);
  t.pass(30);
  const auto all = t.connections();
  REQUIRE(all.size() == 1);
  CHECK_EQ(toString(all[0].key.client()), "198.51.100.7");
  CHECK_EQ(all[0].key.clientPort().host(), 1031);
  CHECK_EQ(toString(all[0].key.virtualAddress()), "192.0.2.10");
  CHECK(all[0].server == TestDirector::server(11));
  CHECK_EQ(all[0].state, "ESTABLISHED");
  CHECK(all[0].active);
  CHECK_EQ(all[0].expiresMs, 870000);
}

}  // namespace
}  // namespace tunvs::director_test
