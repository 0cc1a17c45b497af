// Ends a server's connections by hand, and moves UDP connections of a removed server to another one.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::end_connections_test {
namespace {

using testing::Counts;
using testing::TestDirector;

const ServiceKey kWeb = TestDirector::kWeb, kNames = TestDirector::kNames;

TEST("ends the connections of one server, and of no other") {
  TestDirector t;
  t.addService("rr");
  t.addService("rr", kNames);
  t.addServer(11);
  t.addServer(12);
  t.addServer(11, {}, kNames);
  for (uint32_t client = 0; client < 20; client++) t.establish(client);
  for (uint32_t client = 0; client < 5; client++) t.udp(client);
  t.tcp(0, kTcpFin);
  CHECK_EQ(t.counts(11), t.counts(12).inactive == 1 ? (Counts{10, 0}) : (Counts{9, 1}));
  const auto ended = t.director.endConnections(kWeb, TestDirector::server(11));
  CHECK(ended.ok());
  CHECK_EQ(ended.value(), 10u);
  CHECK_EQ(t.counts(11), Counts{});
  CHECK_EQ(t.counts(12).active + t.counts(12).inactive, 10);
  CHECK_EQ(t.counts(11, kNames), (Counts{0, 5}));
  CHECK_EQ(t.counter("connectionsDropped"), 10u);
  CHECK_EQ(t.director.connectionCount(), 15u);
}

TEST("the next packet of an ended connection belongs to none: TCP is reset, UDP scheduled anew") {
  TestDirector t;
  t.addService("rr");
  t.addService("rr", kNames);
  for (const ServiceKey& service : {kWeb, kNames}) {
    t.addServer(11, {}, service);
    t.addServer(12, {}, service);
  }
  CHECK_EQ(t.establish(1), "12");
  CHECK_EQ(t.udp(1), "12");
  ServerConfig drained;
  drained.weight = 0;
  for (const ServiceKey& service : {kWeb, kNames}) {
    t.editServer(12, drained, service);
    CHECK_EQ(t.director.endConnections(service, TestDirector::server(12, service)).value(), 1u);
  }
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNotScheduled");
  CHECK_EQ(t.counter("answersReset"), 1u);
  CHECK_EQ(t.udp(1), "11");
}

TEST("an ended connection takes its server out of overload") {
  TestDirector t;
  t.addService("rr");
  ServerConfig limited;
  limited.upperThreshold = 2;
  t.addServer(11, limited);
  t.establish(1);
  t.establish(2);
  CHECK(t.row(11).overloaded);
  CHECK_EQ(t.tcp(3, kTcpSyn), "dropNoServer");
  CHECK_EQ(t.director.endConnections(kWeb, TestDirector::server(11)).value(), 2u);
  CHECK_EQ(t.tcp(3, kTcpSyn), "11");
}

TEST("a persistent client whose connections were ended is free to go elsewhere") {
  TestDirector t;
  ServiceConfig sticky{"rr"};
  sticky.persistence.timeoutSeconds = 300;
  t.addService(sticky);
  t.addServer(11);
  t.addServer(12);
  CHECK_EQ(t.establish(1), "12");
  CHECK_EQ(t.establish(2), "12");
  t.setWeight(12, 0);
  CHECK_EQ(t.establish(3), "12");
  CHECK_EQ(t.director.endConnections(kWeb, TestDirector::server(12)).value(), 3u);
  CHECK_EQ(t.row(12).persistent, 0);
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.counter("templatesEnded"), 1u);
  CHECK_EQ(t.establish(4), "11");
}

TEST("only connections of configured servers can be ended") {
  TestDirector t;
  t.addService("rr");
  CHECK(t.director.endConnections(kNames, TestDirector::server(11, kNames)).error().code == ErrorCode::notFound);
  CHECK(t.director.endConnections(kWeb, TestDirector::server(11)).error().code == ErrorCode::notFound);
  t.addServer(11);
  CHECK_EQ(t.director.endConnections(kWeb, TestDirector::server(11)).value(), 0u);
  t.deleteServer(11);
  CHECK(t.director.endConnections(kWeb, TestDirector::server(11)).error().code == ErrorCode::notFound);
}

ServiceConfig rescheduling() {
  ServiceConfig config{"rr"};
  config.rescheduleUdp = true;
  return config;
}

TEST("a removed server's UDP connections go to another with their next datagram if the service says so") {
  for (const bool reschedules : {false, true}) {
    TestDirector t;
    t.addService(reschedules ? rescheduling() : ServiceConfig{"rr"}, kNames);
    t.addServer(11, {}, kNames);
    t.addServer(12, {}, kNames);
    CHECK_EQ(t.udp(1), "12");
    t.deleteServer(12, kNames);
    CHECK_EQ(t.udp(1), reschedules ? "11" : "dropServerGone");
    CHECK_EQ(t.counter("connectionsDropped"), reschedules ? 1u : 0u);
    t.addServer(12, {}, kNames);
    CHECK_EQ(t.udp(1), reschedules ? "11" : "12");
    CHECK_EQ(t.director.connectionCount(), 1u);
  }
}

TEST("a UDP connection whose server is back before the next datagram stays with it") {
  TestDirector t;
  t.addService(rescheduling(), kNames);
  t.addServer(11, {}, kNames);
  t.addServer(12, {}, kNames);
  CHECK_EQ(t.udp(1), "12");
  t.deleteServer(12, kNames);
  t.addServer(12, {}, kNames);
  CHECK_EQ(t.udp(1), "12");
}

TEST("TCP connections of a removed server are dropped silently, even if UDP ones are rescheduled") {
  TestDirector t;
  t.addService(rescheduling());
  t.addServer(11);
  t.addServer(12);
  CHECK_EQ(t.establish(1), "12");
  t.deleteServer(12);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropServerGone");
  CHECK_EQ(t.tcp(1, kTcpSyn), "dropServerGone");
}

TEST("rescheduling of UDP can be switched on when the server is gone already, and off again") {
  TestDirector t;
  t.addService("rr", kNames);
  t.addServer(11, {}, kNames);
  t.addServer(12, {}, kNames);
  CHECK_EQ(t.udp(1), "12");
  CHECK_EQ(t.udp(2), "11");
  CHECK_EQ(t.udp(3), "12");
  t.deleteServer(12, kNames);
  CHECK(t.apply(EditService{kNames, rescheduling()}).ok());
  CHECK_EQ(t.udp(1), "11");
  CHECK(t.apply(EditService{kNames, {"rr"}}).ok());
  CHECK_EQ(t.udp(3), "dropServerGone");
}

}  // namespace
}  // namespace tunvs::end_connections_test
