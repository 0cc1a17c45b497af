// What explain() says is what then happens.
#include "support/random.h"
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::explain_test {
namespace {

using testing::Bytes;
using testing::PacketBuilder;
using testing::Random;
using testing::TestDirector;

// Writes it as TestDirector::send() does.
std::string textOf(const Explanation& said) {
  if (said.verdict != Verdict::forwarded) return std::string(kVerdictNames[static_cast<size_t>(said.verdict)]);
  return std::to_string(said.server->address.bytes[3]);
}

std::string explained(TestDirector& t, const Bytes& bytes) { return textOf(t.explain(bytes)); }

Bytes syn(uint16_t port, uint8_t flags = kTcpSyn) {
  return PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(port, 80, flags).build();
}

ServiceConfig someService(Random& random, bool isUdp) {
  ServiceConfig config;
  config.scheduler = std::string(schedulers()[random.below(static_cast<uint32_t>(schedulers().size()))]->name());
  if (random.oneIn(3)) config.persistence.timeoutSeconds = 1 + random.below(20);
  config.onePacket = isUdp && random.oneIn(3);
  return config;
}

TEST("says of any packet what then becomes of it, whatever the scheduler, and changes nothing by saying so") {
  for (uint64_t seed = 0; seed < 60 / testing::kFewer; seed++) {
    Random random(seed);
    TestDirector t;
    const ServiceKey keys[] = {TestDirector::kWeb, TestDirector::kNames};
    for (const ServiceKey& key : keys) {
      CHECK(t.apply(AddService{key, someService(random, key.protocol == kUdpProtocol)}).ok());
      for (uint8_t server = 11; server < 16; server++) {
        ServerConfig config;
        config.weight = static_cast<int32_t>(random.below(4));
        config.upperThreshold = random.oneIn(3) ? 3 : 0;
        t.addServer(server, config, key);
      }
    }
    t.setSysctl("conn_reuse_mode", random.below(4));
    t.setSysctl("sloppy_tcp", random.below(2));
    t.setSysctl("expire_nodest_conn", random.below(2));
    t.setSysctl("expire_quiescent_template", random.below(2));
    for (int packet = 0; packet < 300; packet++) {
      static constexpr uint8_t kFlags[] = {kTcpSyn, kTcpSyn, kTcpAck, kTcpFin, kTcpRst};
      PacketBuilder builder;
      builder.ip(IpAddress::v4(198, 51, 100, static_cast<uint8_t>(random.below(6))), TestDirector::kWeb.address);
      const auto port = static_cast<uint16_t>(1024 + random.below(40));
      if (random.oneIn(2)) {
        builder.tcp(port, 80, kFlags[random.below(std::size(kFlags))]);
      } else {
        builder.udp(port, 53);
      }
      const Bytes bytes = builder.build();
      if (random.oneIn(20)) t.pass(random.below(70));
      if (random.oneIn(30)) {
        const ServiceKey& key = keys[random.below(2)];
        const ServerKey server = TestDirector::server(static_cast<uint8_t>(11 + random.below(5)), key);
        static_cast<void>(random.oneIn(2) ? t.apply(DeleteServer{key, server}) : t.apply(AddServer{key, server, {}}));
      }
      const std::string first = explained(t, bytes), second = explained(t, bytes), happened = t.send(bytes);
      if (first == happened && second == happened) continue;
      testing::fail(__FILE__, __LINE__,
                    t.serviceRow(keys[bytes[9] == kUdpProtocol]).config.scheduler + ": said " + first + ", then " +
                        second + ", but " + happened + " happened");
      return;
    }
  }
}

TEST("says which rule decides") {
  TestDirector t;
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = 300;
  CHECK(t.apply(AddService{TestDirector::kWeb, config}).ok());
  t.addServer(11);
  t.addServer(12);
  const auto decidedBy = [&](const Bytes& bytes) { return t.explain(bytes).by; };
  CHECK(decidedBy(syn(1000)) == DecidedBy::scheduler);
  t.send(syn(1000));
  CHECK(decidedBy(syn(1000, kTcpAck)) == DecidedBy::connection);
  CHECK(decidedBy(syn(1001)) == DecidedBy::persistence);
  CHECK(decidedBy(syn(1001, kTcpAck)) == DecidedBy::nothing);
}

// Sends a packet with an expected verdict, and checks that explain() foresees it and changes nothing.
bool saysWhatHappens(TestDirector& t, const Bytes& bytes, const char* expected) {
  const size_t before = t.connections().size();
  const std::string first = explained(t, bytes), second = explained(t, bytes);
  const bool leftAlone = CHECK_EQ(t.connections().size(), before);
  return CHECK_EQ(first, expected) & CHECK_EQ(second, expected) & CHECK_EQ(t.send(bytes), expected) & leftAlone;
}

const IpAddress kVip = TestDirector::kWeb.address;
const IpAddress kClient = IpAddress::v4(198, 51, 100, 7), kRouter = IpAddress::v4(203, 0, 113, 9);

TEST("says what becomes of a ping") {
  TestDirector t;
  t.addService("rr");
  const auto ping = [](const IpAddress& to) { return testing::icmpPacket(kClient, to, 8, 0, 0, Bytes(16, 7)); };
  CHECK(saysWhatHappens(t, ping(kVip), "answeredEcho"));
  CHECK(saysWhatHappens(t, ping(IpAddress::v4(192, 0, 2, 99)), "dropNoService"));
}

TEST("says which connection an ICMP error about a reply belongs to") {
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
  Bytes reply = PacketBuilder().ip(kVip, kClient).tcp(80, 1024, kTcpAck).build();
  reply.resize(28);
  const Bytes error = testing::icmpPacket(kRouter, kVip, 3, 4, 1400, reply);
  CHECK(saysWhatHappens(t, error, "dropIcmp"));
  t.setSysctl("schedule_icmp", 1);
  CHECK_EQ(explained(t, error), "relayedIcmp");
  CHECK(t.connections().empty());
  t.send(syn(1024));
  const Explanation said = t.explain(error);
  CHECK_EQ(t.send(error), "relayedIcmp");
  CHECK(said.verdict == Verdict::relayedIcmp && said.by == DecidedBy::connection);
  REQUIRE(said.server.has_value());
  CHECK_EQ(toString(said.server->address), "10.0.0.12");
  CHECK_EQ(said.connectionState, "SYN_RECV");
}

TEST("says of fragments that they wait, follow their first, or die with it") {
  TestDirector t;
  t.addService("rr", TestDirector::kNames);
  t.addServer(11, {}, TestDirector::kNames);
  const auto part = [](uint16_t offset, size_t bytes, bool more, uint16_t datagram = 2) {
    PacketBuilder builder = PacketBuilder().ip(kClient, kVip).fragmentOffset(offset).identification(datagram);
    if (more) builder.moreFragments();
    if (offset == 0) return builder.udp(1000, 53).payload(bytes - 8).build();
    return builder.protocol(IpProtocol::udp).payload(bytes).build();
  };
  CHECK(saysWhatHappens(t, part(800, 200, false, 1), "waitingFragment"));
  CHECK_EQ(explained(t, part(0, 400, true)), "11");
  CHECK_EQ(t.send(part(0, 400, true)), "11");
  const Explanation said = t.explain(part(400, 400, true));
  CHECK(said.by == DecidedBy::datagram && said.verdict == Verdict::forwarded);
  CHECK(saysWhatHappens(t, part(200, 400, true), "dropFragment"));
  CHECK(saysWhatHappens(t, part(400, 400, true), "dropFragment"));
}

TEST("says of a first fragment under a reused identification that it begins a new datagram") {
  TestDirector t;
  t.addService("rr", TestDirector::kNames);
  t.addServer(11, {}, TestDirector::kNames);
  const Bytes first = PacketBuilder().ip(kClient, kVip).moreFragments().udp(1000, 53).payload(392).build();
  CHECK_EQ(t.send(first), "11");
  CHECK(saysWhatHappens(t, first, "dropFragment"));
  t.passTicks(kIdentificationReuseTicks);
  CHECK_EQ(explained(t, first), "11");
  CHECK_EQ(t.send(first), "11");
}

TEST("says what becomes of a packet for a directly routed server, whatever pmtu_disc is") {
  for (const int64_t pmtuDisc : {1, 0}) {
    DirectorOptions options = TestDirector::defaultOptions();
    options.settings.pathMtu = 600;
    TestDirector t(options);
    t.setSysctl("pmtu_disc", pmtuDisc);
    t.addService("rr", TestDirector::kNames);
    ServerConfig routed;
    routed.tunnel.method = ForwardingMethod::dr;
    t.addServer(11, routed, TestDirector::kNames);
    PacketBuilder builder = PacketBuilder().ip(kClient, kVip).dontFragment();
    const Bytes datagram = builder.udp(1000, 53).payload(700).build();
    CHECK_EQ(explained(t, datagram), "answeredTooBig");
    CHECK_EQ(t.send(datagram), "answeredTooBig");
  }
}

TEST("says of an IPv6 packet for a directly routed server that it is too long where nobody can cut it") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.pathMtu = 600;
  TestDirector t(options);
  const IpAddress vip = testing::address("2001:db8::9"), routed = testing::address("2001:db8::11");
  const ServiceKey service{vip, 53, kUdpProtocol};
  ServerConfig config;
  config.tunnel.method = ForwardingMethod::dr;
  CHECK(t.apply(AddService{service, {"rr"}}, AddServer{service, {routed, 53}, config}).ok());
  Bytes udp(1000);
  storeBe16(&udp[2], 53);
  storeBe16(&udp[4], 1000);
  const Bytes datagram = testing::ipv6Packet(testing::address("2001:db8::7"), vip, kUdpProtocol, udp);
  CHECK_EQ(explained(t, datagram), "dropTooLong");
  CHECK_EQ(t.send(datagram), "dropTooLong");
}

TEST("says of a packet that is too long that its client is told") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.pathMtu = 600;
  TestDirector t(options);
  t.addService("rr", TestDirector::kNames);
  t.addServer(11, {}, TestDirector::kNames);
  const auto datagram = [](size_t bytes, bool whole) {
    PacketBuilder builder = PacketBuilder().ip(kClient, kVip);
    if (whole) builder.dontFragment();
    return builder.udp(1000, 53).payload(bytes).build();
  };
  CHECK_EQ(explained(t, datagram(700, true)), "answeredTooBig");
  CHECK_EQ(t.send(datagram(700, true)), "answeredTooBig");
  CHECK_EQ(explained(t, datagram(700, false)), "11");
}

TEST("says of a later fragment that is too long that it is dropped, and that nobody is told") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.pathMtu = 600;
  TestDirector t(options);
  t.addService("rr", TestDirector::kNames);
  t.addServer(11, {}, TestDirector::kNames);
  const auto part = [] { return PacketBuilder().ip(kClient, kVip).dontFragment(); };
  CHECK_EQ(t.send(part().moreFragments().udp(1000, 53).payload(392).build()), "11");
  const Bytes later = part().fragmentOffset(400).protocol(IpProtocol::udp).payload(800).build();
  CHECK_EQ(explained(t, later), "dropTooLong");
  CHECK_EQ(t.send(later), "dropTooLong");
}

TEST("names the state of a connection, and says that a reused port ends it") {
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  t.send(syn(1000));
  t.send(syn(1000, kTcpFin));
  const Explanation said = t.explain(syn(1000));
  CHECK_EQ(said.connectionState, "TIME_WAIT");
  CHECK(said.endsConnection);
  CHECK(said.by == DecidedBy::scheduler);
}

TEST("names the packet's own port where a real server has none") {
  TestDirector t;
  ServiceKey every = TestDirector::kWeb;
  every.port = 0;
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = 300;
  CHECK(t.apply(AddService{every, config}, AddServer{every, {IpAddress::v4(10, 0, 0, 11), 0}, {}}).ok());
  const Explanation said = t.explain(syn(1000));
  CHECK(said.server.has_value());
  if (said.server) CHECK_EQ(said.server->port, 80);
}

TEST("says why a broken packet is dropped") {
  TestDirector t;
  t.addService("rr");
  Bytes cut = syn(1000);
  cut.resize(19);
  CHECK_EQ(explained(t, cut), "dropTruncated");
  CHECK_EQ(explained(t, PacketBuilder().ip("198.51.100.7", "192.0.2.99").tcp(1, 80, kTcpSyn).build()), "dropNoService");
}

TEST("foresees drop_packet where it drops every packet that would open a connection") {
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  const Bytes syn = PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(4000, 80, kTcpSyn).build();
  t.setSysctl("drop_packet", 3);
  CHECK_EQ(explained(t, syn), "11");
  t.setSysctl("am_droprate", 1);
  CHECK_EQ(explained(t, syn), "dropDefence");
  CHECK_EQ(t.send(syn), "dropDefence");
}

}  // namespace
}  // namespace tunvs::explain_test
