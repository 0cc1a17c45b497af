// A SYN on an existing connection: the client reuses its port.
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::director_reuse_test {
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

TEST("takes a SYN with an ACK as a reused port, too, and nothing else") {
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

// Chunk types (RFC 9260 section 3.2) and the state that they lead to.
struct SctpPrelude {
  const char* state;
  std::vector<uint8_t> chunks;
};
constexpr uint8_t kData = 0, kInit = 1, kAbort = 6, kShutdown = 7, kCookieEcho = 10;
const SctpPrelude kSctpPreludes[] = {
    {"INIT1", {kInit}},
    {"INIT", {kInit, kInit}},
    {"ESTABLISHED", {kInit, kCookieEcho}},
    {"S-RECEIVED", {kInit, kCookieEcho, kShutdown}},
    {"CLOSED", {kInit, kAbort}},
};
const ServiceKey kSignalling{IpAddress::v4(192, 0, 2, 10), 2905, kSctpProtocol};

std::string sctp(TestDirector& t, uint8_t chunk) {
  testing::Bytes segment(16, 0);
  storeBe16(&segment[0], 4000);
  storeBe16(&segment[2], kSignalling.port);
  segment[12] = chunk;
  segment[15] = 4;
  return t.send(testing::PacketBuilder()
                    .ip(IpAddress::v4(198, 51, 100, 7), kSignalling.address)
                    .protocol(IpProtocol::sctp)
                    .payload(segment)
                    .build());
}

TEST("reschedules a reused SCTP port in CLOSED, in every conn_reuse_mode but 0") {
  for (int64_t mode = 0; mode <= 3; mode++) {
    for (const SctpPrelude& prelude : kSctpPreludes) {
      TestDirector t;
      t.addService("rr", kSignalling);
      t.addServer(11, {}, kSignalling);
      t.addServer(12, {}, kSignalling);
      t.setSysctl("conn_reuse_mode", mode);
      for (const uint8_t chunk : prelude.chunks) CHECK_EQ(sctp(t, chunk), "12");
      CHECK_EQ(t.state(), prelude.state);
      const bool expected = mode != 0 && std::string(prelude.state) == "CLOSED";
      CHECK_EQ(sctp(t, kData), "12");
      CHECK_EQ(sctp(t, kInit), expected ? "11" : "12");
      CHECK_EQ(t.counter("connectionsCreated"), expected ? 2u : 1u);
      CHECK_EQ(t.counter("connectionsDropped"), expected ? 1u : 0u);
      if (expected) CHECK_EQ(t.state(), "INIT1");
    }
  }
}

TEST("reschedules a SYN of secure_tcp's half-open connection in no mode") {
  for (int64_t mode = 0; mode <= 3; mode++) {
    TestDirector t;
    t.addService("rr");
    t.addServer(11);
    t.addServer(12);
    t.setSysctl("conn_reuse_mode", mode);
    t.setSysctl("secure_tcp", 3);
    for (int i = 0; i < 3; i++) CHECK_EQ(t.tcp(1, kTcpSyn), "12");
    CHECK_EQ(t.state(), "SYNACK");
    t.tcp(1, kTcpRst);
    CHECK_EQ(t.tcp(1, kTcpSyn), mode == 0 ? "12" : "11");
    CHECK_EQ(t.state(), "SYNACK");
  }
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
}  // namespace tunvs::director_reuse_test
