// Timeouts of a service's own.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::director_timeouts_test {
namespace {

using testing::TestDirector;

ServiceConfig with(std::initializer_list<std::pair<TcpState, uint32_t>> timeouts, const char* scheduler = "rr") {
  ServiceConfig config;
  config.scheduler = scheduler;
  for (const auto& [state, seconds] : timeouts) config.timeouts.seconds[timeoutIndex(state)] = seconds;
  return config;
}

int64_t secondsLeft(TestDirector& t) {
  const auto all = t.connections();
  return all.size() == 1 ? all[0].expiresMs / 1000 : -1;
}

TEST("gives a service's connections its own timeouts, and the director's where it has none") {
  TestDirector t;
  CHECK(t.apply(AddService{TestDirector::kWeb, with({{TcpState::established, 3600}, {TcpState::synRecv, 5}})}).ok());
  t.addServer(11);
  t.tcp(1, kTcpSyn);
  CHECK_EQ(secondsLeft(t), 5);
  t.tcp(1, kTcpAck);
  CHECK_EQ(secondsLeft(t), 3600);
  t.tcp(1, kTcpFin);
  CHECK_EQ(secondsLeft(t), 120);
  t.pass(120);
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("leaves the timeouts of other services' connections alone") {
  TestDirector t;
  CHECK(t.apply(AddService{TestDirector::kWeb, with({{TcpState::synRecv, 5}})}).ok());
  t.addServer(11);
  t.addService("rr", TestDirector::kNames);
  t.addServer(21, {}, TestDirector::kNames);
  t.udp(1);
  CHECK_EQ(secondsLeft(t), 300);
}

TEST("uses edited timeouts from a connection's next packet on, on existing servers") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  t.establish(1);
  CHECK(t.apply(EditService{TestDirector::kWeb, with({{TcpState::established, 50}})}).ok());
  CHECK_EQ(secondsLeft(t), 900);
  t.tcp(1, kTcpAck);
  CHECK_EQ(secondsLeft(t), 50);
  t.setWeight(11, 7);
  t.tcp(1, kTcpAck);
  CHECK_EQ(secondsLeft(t), 50);
  CHECK(t.apply(EditService{TestDirector::kWeb, with({})}).ok());
  t.tcp(1, kTcpAck);
  CHECK_EQ(secondsLeft(t), 900);
}

TEST("keeps a service's timeouts through a server's removal and return") {
  TestDirector t;
  CHECK(t.apply(AddService{TestDirector::kWeb, with({{TcpState::established, 50}})}).ok());
  t.addServer(11);
  t.establish(1);
  t.deleteServer(11);
  t.addServer(11);
  CHECK_EQ(t.tcp(1, kTcpAck), "11");
  CHECK_EQ(secondsLeft(t), 50);
}

TEST("leaves the scheduler where it was when only timeouts change") {
  TestDirector t;
  t.addService("wrr");
  for (const uint8_t server : {11, 12, 13}) t.addServer(server);
  CHECK_EQ(t.tcp(1, kTcpSyn), "13");
  CHECK_EQ(t.tcp(2, kTcpSyn), "12");
  CHECK(t.apply(EditService{TestDirector::kWeb, with({{TcpState::synRecv, 9}}, "wrr")}).ok());
  CHECK_EQ(t.tcp(3, kTcpSyn), "11");
  CHECK_EQ(t.tcp(4, kTcpSyn), "13");
}

TEST("refuses another protocol's timeouts, and changes nothing then") {
  TestDirector t;
  t.addService();
  ServiceConfig wrong;
  wrong.timeouts.seconds[kUdpTimeout] = 5;
  const auto refused = t.apply(EditService{TestDirector::kWeb, wrong});
  REQUIRE(!refused.ok());
  CHECK_EQ(refused.error().message,
           "the timeout udp belongs to a state of UDP, but the virtual service is of TCP; leave it out");
  CHECK(t.serviceRow().config.timeouts.isEmpty());
  CHECK(!t.apply(AddService{{IpAddress::v4(192, 0, 2, 12), 80, 6}, wrong}).ok());
}

}  // namespace
}  // namespace tunvs::director_timeouts_test
