// What explain() says is what then happens.
#include "support/random.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::PacketBuilder;
using testing::Random;
using testing::TestDirector;

ParsedPacket parsedOf(const Bytes& bytes) {
  HeldPacket held(bytes);
  ParsedPacket parsed;
  parsePacket(held.packet(), parsed);
  return parsed;
}

// As TestDirector::send() says it.
std::string textOf(const Explanation& said) {
  if (said.verdict != Verdict::forwarded) return std::string(kVerdictNames[static_cast<size_t>(said.verdict)]);
  return std::to_string(said.server->address.bytes[3]);
}

std::string explained(TestDirector& t, const Bytes& bytes) {
  return textOf(t.director.explain(parsedOf(bytes), t.now));
}

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
  const auto decidedBy = [&](const Bytes& bytes) { return t.director.explain(parsedOf(bytes), t.now).by; };
  CHECK(decidedBy(syn(1000)) == DecidedBy::scheduler);
  t.send(syn(1000));
  CHECK(decidedBy(syn(1000, kTcpAck)) == DecidedBy::connection);
  CHECK(decidedBy(syn(1001)) == DecidedBy::persistence);
  CHECK(decidedBy(syn(1001, kTcpAck)) == DecidedBy::nothing);
}

TEST("names the state of a connection, and that a reused port ends it") {
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  t.send(syn(1000));
  t.send(syn(1000, kTcpFin));
  const Explanation said = t.director.explain(parsedOf(syn(1000)), t.now);
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
  const Explanation said = t.director.explain(parsedOf(syn(1000)), t.now);
  CHECK(said.server.has_value());
  if (said.server) CHECK_EQ(said.server->port, 80);
}

TEST("says of a broken packet why it is dropped") {
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
}  // namespace tunvs
