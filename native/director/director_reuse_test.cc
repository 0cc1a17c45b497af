// A SYN on a connection that is there already: the client uses its port again.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs {
namespace {

using testing::Counts;
using testing::TestDirector;

struct Prelude {
  const char* state;
  std::vector<uint8_t> flags;
};
const Prelude kPreludes[] = {
    {"SYN_RECV", {kTcpSyn}},
    {"ESTABLISHED", {kTcpSyn, kTcpAck}},
    {"FIN_WAIT", {kTcpSyn, kTcpAck, kTcpFin}},
    {"TIME_WAIT", {kTcpSyn, kTcpFin}},
    {"CLOSE", {kTcpSyn, kTcpAck, kTcpRst}},
};

TEST("reschedules a reused port in the states that conn_reuse_mode names") {
  for (int64_t mode = 0; mode <= 3; mode++) {
    for (const Prelude& prelude : kPreludes) {
      TestDirector t;
      t.addService("rr");
      t.addServer(11);
      t.addServer(12);
      t.setSysctl("conn_reuse_mode", mode);
      for (const uint8_t flags : prelude.flags) CHECK_EQ(t.tcp(1, flags), "12");
      CHECK_EQ(t.state(), prelude.state);
      const std::string state = prelude.state;
      const bool isOver = state == "TIME_WAIT" || state == "CLOSE" || (state == "FIN_WAIT" && (mode & 2) != 0);
      const bool expected = mode != 0 && isOver;
      const std::string chosen = t.tcp(1, kTcpSyn);
      if (chosen != (expected ? "11" : "12")) {
        testing::fail(__FILE__, __LINE__, "mode " + std::to_string(mode) + " in " + state + " went to " + chosen);
      }
      CHECK_EQ(t.counter("connectionsDropped"), expected ? 1u : 0u);
      CHECK_EQ(t.counter("connectionsCreated"), expected ? 2u : 1u);
      CHECK_EQ(t.state(), state == "ESTABLISHED" ? "ESTABLISHED" : "SYN_RECV");
      CHECK_EQ(t.counts(expected ? 11 : 12), Counts{1, 0});
      CHECK_EQ(t.counts(expected ? 12 : 11), Counts{});
    }
  }
}

TEST("takes a SYN with an ACK for a reused port as well, and nothing else") {
  for (const int flags : {int{kTcpAck}, int{kTcpFin}, int{kTcpRst}, 0}) {
    TestDirector t;
    t.addService("rr");
    t.addServer(11);
    t.addServer(12);
    t.tcp(1, kTcpSyn);
    t.tcp(1, kTcpFin);
    CHECK_EQ(t.state(), "TIME_WAIT");
    CHECK_EQ(t.tcp(1, static_cast<uint8_t>(flags)), "12");
  }
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  t.addServer(12);
  t.tcp(1, kTcpSyn);
  t.tcp(1, kTcpFin);
  CHECK_EQ(t.tcp(1, kTcpSyn | kTcpAck), "11");
}

TEST("leaves a reused port without a connection when no server may take it") {
  TestDirector t;
  t.addService("rr");
  t.addServer(11);
  t.tcp(1, kTcpSyn);
  t.tcp(1, kTcpFin);
  t.setWeight(11, 0);
  CHECK_EQ(t.tcp(1, kTcpSyn), "dropNoServer");
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.counts(11), Counts{});
}

TEST("reschedules a reused port of a drained server in any state with expire_nodest_conn") {
  for (const int64_t isOn : {0, 1}) {
    TestDirector t;
    t.addService("rr");
    t.addServer(11);
    t.addServer(12);
    t.setSysctl("expire_nodest_conn", isOn);
    CHECK_EQ(t.establish(1), "12");
    t.setWeight(12, 0);
    CHECK_EQ(t.tcp(1, kTcpAck), "12");
    CHECK_EQ(t.tcp(1, kTcpSyn), isOn == 1 ? "11" : "12");
  }
}

}  // namespace
}  // namespace tunvs
