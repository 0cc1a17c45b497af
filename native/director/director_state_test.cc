// When a connection begins, how it goes from state to state, and when it ends.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::director_state_test {
namespace {

using testing::Counts;
using testing::PacketBuilder;
using testing::TestDirector;

TEST("begins no TCP connection without a SYN, with a RST, or from the FTP data port") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  for (const int flags :
       {0, int{kTcpAck}, int{kTcpFin}, kTcpFin | kTcpAck, int{kTcpRst}, kTcpRst | kTcpSyn, kTcpRst | kTcpAck}) {
    CHECK_EQ(t.tcp(1, static_cast<uint8_t>(flags)), "dropNotScheduled");
  }
  CHECK_EQ(t.send(PacketBuilder().tcp(20, 80, kTcpSyn).build()), "dropNotScheduled");
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.tcp(2, kTcpSyn | kTcpAck), "11");
}

TEST("begins a TCP connection from any packet but a RST when sloppy_tcp is set") {
  const struct {
    uint8_t flags;
    const char* state;
    Counts counts;
  } table[] = {{kTcpAck, "ESTABLISHED", {1, 0}},
               {kTcpFin, "CLOSE", {0, 1}},
               {kTcpFin | kTcpAck, "CLOSE", {0, 1}},
               {0, "CLOSE", {0, 1}},
               {kTcpSyn, "SYN_RECV", {1, 0}}};
  for (const auto& row : table) {
    TestDirector t;
    t.addService();
    t.addServer(11);
    t.setSysctl("sloppy_tcp", 1);
    CHECK_EQ(t.tcp(1, kTcpRst), "dropNotScheduled");
    CHECK_EQ(t.tcp(1, row.flags), "11");
    CHECK_EQ(t.state(), row.state);
    CHECK_EQ(t.counts(11), row.counts);
  }
}

TEST("follows a connection through its states, with IPVS's counts and timeouts") {
  const struct {
    const char* what;
    std::vector<uint8_t> flags;
    const char* state;
    uint32_t seconds;
    Counts counts;
  } table[] = {
      {"half open", {kTcpSyn}, "SYN_RECV", 60, {1, 0}},
      {"repeated SYN", {kTcpSyn, kTcpSyn}, "SYN_RECV", 60, {1, 0}},
      {"reset while half open", {kTcpSyn, kTcpRst}, "SYN_RECV", 60, {1, 0}},
      {"established", {kTcpSyn, kTcpAck}, "ESTABLISHED", 900, {1, 0}},
      {"closed by the client", {kTcpSyn, kTcpAck, kTcpFin | kTcpAck, kTcpAck}, "FIN_WAIT", 120, {0, 1}},
      {"closed before established", {kTcpSyn, kTcpFin}, "TIME_WAIT", 120, {0, 1}},
      {"reset", {kTcpSyn, kTcpAck, kTcpRst}, "CLOSE", 10, {0, 1}},
      {"acknowledging after a reset", {kTcpSyn, kTcpAck, kTcpRst, kTcpAck}, "CLOSE", 10, {0, 1}},
      {"used again in FIN_WAIT", {kTcpSyn, kTcpAck, kTcpFin, kTcpSyn}, "SYN_RECV", 60, {1, 0}},
      {"no flags", {kTcpSyn, kTcpAck, 0}, "CLOSE", 10, {0, 1}},
  };
  for (const auto& row : table) {
    TestDirector t;
    t.addService();
    t.addServer(11);
    for (const uint8_t flags : row.flags) CHECK_EQ(t.tcp(1, flags), "11");
    if (t.state() != row.state || t.counts(11) != row.counts) {
      testing::fail(__FILE__, __LINE__, std::string(row.what) + ": " + t.state() + ", " + t.counts(11).toString());
    }
    CHECK_EQ(t.connections()[0].expiresMs, int64_t{row.seconds} * 1000);
    t.passTicks(ticksFromSeconds(row.seconds) - 1);
    CHECK_EQ(t.director.connectionCount(), 1u);
    t.passTicks(1);
    CHECK_EQ(t.director.connectionCount(), 0u);
    CHECK_EQ(t.counts(11), Counts{});
  }
}

TEST("refreshes a connection with every packet of its client") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  t.establish(1);
  for (int i = 0; i < 20; i++) {
    t.pass(899);
    CHECK_EQ(t.tcp(1, kTcpAck), "11");
  }
  t.pass(900);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNotScheduled");
}

TEST("uses a changed timeout from a connection's next packet on, shorter or longer") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  t.establish(1);
  Tunables tunables = t.director.control().tunables();
  tunables.setTimeout(timeoutIndex(TcpState::established), 30);
  t.director.setTunables(tunables);
  t.pass(100);
  CHECK_EQ(t.director.connectionCount(), 1u);  // the old deadline still holds
  t.tcp(1, kTcpAck);
  t.pass(29);
  CHECK_EQ(t.director.connectionCount(), 1u);
  t.pass(1);
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("treats a connection that has reached its deadline as gone, before expiry comes by") {
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
  t.establish(1);
  t.now += ticksFromSeconds(900);  // nobody calls expire()
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNotScheduled");
  CHECK_EQ(t.counts(12), Counts{});
  CHECK_EQ(t.tcp(1, kTcpSyn), "11");  // a new one; round robin has moved on
  CHECK_EQ(t.counter("connectionsExpired"), 1u);
  CHECK_EQ(t.director.connectionCount(), 1u);
}

}  // namespace
}  // namespace tunvs::director_state_test
