// The load defences at work in a director.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::director_defence_test {
namespace {

using testing::Counts;
using testing::TestDirector;

TestDirector& withWeb(TestDirector& t) {
  t.addService("rr");
  t.addServer(11);
  t.addService("rr", TestDirector::kNames);
  t.addServer(21, {}, TestDirector::kNames);
  return t;
}

int32_t shown(const TestDirector& t, std::string_view name) {
  for (const auto& sysctl : kSysctls) {
    if (sysctl.name == name) return t.director.sysctl(sysctl);
  }
  return -1;
}

TEST("drops silently one in am_droprate of the packets that would open a connection, and no others") {
  TestDirector t;
  withWeb(t);
  t.establish(9000);
  t.setSysctl("drop_packet", 3);
  t.setSysctl("am_droprate", 4);
  for (uint32_t i = 0; i < 40; i++) {
    CHECK_EQ(t.tcp(9000, kTcpAck), "11");
    CHECK_EQ(t.tcp(8000 + i, kTcpAck), "dropNotScheduled");
    CHECK_EQ(t.udp(i), i % 4 == 0 ? "dropDefence" : "21");
    CHECK(i % 4 != 0 || t.sent.empty());
  }
  CHECK_EQ(t.counter("dropDefence"), 10u);
  CHECK_EQ(t.counter("connectionsCreated"), 31u);
  t.setSysctl("am_droprate", 1);
  for (uint32_t i = 100; i < 110; i++) CHECK_EQ(t.tcp(i, kTcpSyn), "dropDefence");
  t.setSysctl("drop_packet", 0);
  for (uint32_t i = 100; i < 110; i++) CHECK_EQ(t.tcp(i, kTcpSyn), "11");
}

TEST("drops packets automatically in proportion to the shortage of memory, and shows that it does") {
  TestDirector t;
  withWeb(t);
  t.setSysctl("drop_packet", 1);
  CHECK(t.director.wantsAvailablePages());
  for (uint32_t i = 0; i < 50; i++) CHECK_EQ(t.udp(i), "21");
  CHECK_EQ(shown(t, "drop_packet"), 1);
  t.director.setAvailablePages(768);  // 1024 - 768 is a quarter of the threshold
  CHECK_EQ(shown(t, "drop_packet"), 2);
  CHECK_EQ(shown(t, "drop_entry"), 0);
  for (uint32_t i = 100; i < 140; i++) CHECK_EQ(t.udp(i), i % 4 == 0 ? "dropDefence" : "21");
  t.director.setAvailablePages(1024);
  CHECK_EQ(shown(t, "drop_packet"), 1);
  for (uint32_t i = 200; i < 250; i++) CHECK_EQ(t.udp(i), "21");
  t.setSysctl("drop_packet", 2);  // as a sysctl.conf may set it
  CHECK_EQ(shown(t, "drop_packet"), 1);
}

TEST("follows secure_tcp's table while it is on, for existing connections, too") {
  TestDirector t;
  withWeb(t);
  t.tcp(1, kTcpSyn);
  CHECK_EQ(t.state(), "SYN_RECV");
  t.setSysctl("secure_tcp", 3);
  t.tcp(1, kTcpSyn);
  CHECK_EQ(t.state(), "SYN_RECV");
  t.tcp(1, kTcpFin);
  t.setSysctl("conn_reuse_mode", 0);
  CHECK_EQ(t.state(), "TIME_WAIT");
  t.tcp(1, kTcpSyn);
  CHECK_EQ(t.state(), "SYNACK");
  CHECK_EQ(t.counts(11), Counts{1, 0});
  t.tcp(1, kTcpRst);
  CHECK_EQ(t.state(), "CLOSE");
  t.setSysctl("secure_tcp", 0);
  t.tcp(1, kTcpSyn);
  CHECK_EQ(t.state(), "SYN_RECV");
}

TEST("secures TCP automatically while memory is short") {
  TestDirector t;
  withWeb(t);
  t.setSysctl("secure_tcp", 1);
  const std::pair<uint64_t, const char*> memories[] = {{5000, "SYN_RECV"}, {10, "SYNACK"}, {5000, "SYN_RECV"}};
  for (const auto& [pages, state] : memories) {
    t.director.setAvailablePages(pages);
    t.tcp(1, kTcpSyn);
    CHECK_EQ(t.state(), state);
    t.pass(200);
  }
}

TEST("forgets about one in 32 half-open connections a second with drop_entry, and leaves the rest") {
  TestDirector t;
  withWeb(t);
  for (uint32_t i = 0; i < 800; i++) t.tcp(i, kTcpSyn);
  for (uint32_t i = 0; i < 100; i++) t.establish(1000 + i);
  t.pass(5);
  CHECK_EQ(t.counts(11), (Counts{900, 0}));
  t.setSysctl("drop_entry", 3);
  for (int i = 0; i < 10; i++) t.pass(1);
  // 31 of 32 stay each second: 582 of 800 after ten seconds.
  const int32_t left = t.counts(11).active - 100;
  CHECK(left > 520 && left < 640);
  CHECK_EQ(t.director.connectionCount(), static_cast<uint64_t>(left + 100));
  CHECK_EQ(t.counter("connectionsDropped"), static_cast<uint64_t>(800 - left));
  CHECK_EQ(t.counter("connectionsExpired"), 0u);
  for (uint32_t i = 0; i < 100; i++) CHECK_EQ(t.tcp(1000 + i, kTcpAck), "11");
  t.setSysctl("drop_entry", 0);
  t.pass(10);
  CHECK_EQ(t.counts(11).active, left + 100);
}

TEST("forgets as much with drop_entry however often it is called in a second") {
  int32_t left[2];
  const double steps[] = {1, 0.02};
  for (size_t i = 0; i < 2; i++) {
    TestDirector t;
    withWeb(t);
    t.setSysctl("drop_entry", 3);
    for (uint32_t client = 0; client < 900; client++) t.tcp(client, kTcpSyn);
    for (double passed = 0; passed < 10 - steps[i] / 2; passed += steps[i]) t.pass(steps[i]);
    left[i] = t.counts(11).active;
  }
  CHECK(left[0] > 590 && left[0] < 720);
  CHECK(left[1] > 590 && left[1] < 720);
}

TEST("forgets spent UDP and established TCP with drop_entry, and nothing that is younger or busier") {
  TestDirector t;
  withWeb(t);
  t.setSysctl("drop_entry", 3);
  for (uint32_t i = 0; i < 200; i++) t.udp(i);        // one packet each
  for (uint32_t i = 0; i < 200; i++) t.establish(i);  // two packets each
  for (uint32_t i = 200; i < 300; i++) {
    for (int packets = 0; packets < 9; packets++) t.udp(i);
  }
  for (int i = 0; i < 59; i++) t.pass(1);
  CHECK_EQ(t.counter("connectionsDropped"), 0u);
  for (int i = 0; i < 200; i++) t.pass(1);
  CHECK_EQ(t.counter("connectionsExpired"), 0u);
  const int32_t udpLeft = t.counts(21, TestDirector::kNames).inactive;
  const int32_t tcpLeft = t.counts(11).active;
  // After 200 s, 1 in e^6 of those with one packet is left, and 1 in e^3 of those with two.
  CHECK(udpLeft >= 100 && udpLeft <= 105);
  CHECK(tcpLeft >= 1 && tcpLeft <= 30);
}

TEST("forgets with drop_entry the templates that no connection came of, and no others") {
  TestDirector t;
  ServiceConfig persistent;
  persistent.scheduler = "rr";
  persistent.persistence.timeoutSeconds = 10000;
  CHECK(t.apply(AddService{TestDirector::kWeb, persistent}).ok());
  t.addServer(11);
  for (uint32_t i = 0; i < 200; i++) t.tcp(i * 60000, kTcpSyn);  // each from a client of its own
  for (uint32_t i = 200; i < 250; i++) t.establish(i * 60000);
  CHECK_EQ(t.row(11).persistent, 250);
  t.setSysctl("drop_entry", 3);
  for (int i = 0; i < 40; i++) t.pass(1);
  // A half-open connection takes its template along. So of both, as many are left as of 200 after 40 s.
  const int32_t left = t.counts(11).active - 50;
  CHECK(left > 30 && left < 85);
  CHECK_EQ(t.row(11).persistent, left + 50);
  t.setSysctl("drop_entry", 0);
  t.pass(1000);  // connections are over, as are half-open ones with templates that lead nowhere
  CHECK_EQ(t.counts(11), Counts{});
  t.setSysctl("drop_entry", 3);
  for (int i = 0; i < 400; i++) t.pass(1);
  CHECK_EQ(t.row(11).persistent, 50);
}

TEST("measures idleness by the timeout of the connection's service") {
  TestDirector t;
  TimeoutOverrides own;
  own.seconds[timeoutIndex(kUdpProtocol, 0)] = 55;  // never idle for 60 s
  CHECK(t.apply(AddService{TestDirector::kNames, {"rr", {}, {}, false, own}}).ok());
  t.addServer(21, {}, TestDirector::kNames);
  t.setSysctl("drop_entry", 3);
  for (uint32_t i = 0; i < 200; i++) t.udp(i);
  for (int i = 0; i < 56; i++) t.pass(1);
  CHECK_EQ(t.counter("connectionsDropped"), 0u);
  CHECK_EQ(t.counter("connectionsExpired"), 200u);
}

}  // namespace
}  // namespace tunvs::director_defence_test
