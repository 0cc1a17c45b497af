// What becomes of the connections of a real server that is down by health: onDown.
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::server_down_test {
namespace {

using testing::Bytes;
using testing::PacketBuilder;
using testing::TestDirector;

constexpr OnDown kAll[] = {OnDown::keep, OnDown::drop, OnDown::reset, OnDown::reschedule};

HealthCondition down(OnDown onDown, bool isOut = true) { return {.isUp = false, .isOut = isOut, .onDown = onDown}; }

// A client has connections to server 11; 12 is there besides.
struct Setting : TestDirector {
  explicit Setting(const ServiceConfig& config = {"rr"}, const ServiceKey& key = kWeb) : key_(key) {
    addService(config, key);
    addServer(11, {}, key);
    if (key == kWeb) CHECK_EQ(establish(1), "11");
    if (key == kNames) CHECK_EQ(udp(1), "11");
    addServer(12, {}, key);
  }
  void takeDown(OnDown onDown, bool isOut = true) { setHealth(11, down(onDown, isOut), key_); }
  void bringUp() { setHealth(11, {}, key_); }
  bool isReset() const { return sent.size() >= 40 && sent[9] == 6 && (sent[33] & kTcpRst) != 0; }

  ServiceKey key_;
};

TEST("a server that is down keeps its connections, and gets no new ones, when that is wanted") {
  for (const bool isOut : {false, true}) {
    Setting t;
    t.takeDown(OnDown::keep, isOut);
    CHECK_EQ(t.tcp(1, kTcpAck), "11");
    for (uint32_t client = 2; client < 9; client++) CHECK_EQ(t.tcp(client, kTcpSyn), "12");
    CHECK_EQ(t.tcp(1, kTcpSyn), "11");  // it is established, and this may be forged
    CHECK_EQ(t.counter("connectionsRescheduled"), 0u);
  }
}

TEST("a connection that is not established yet is opened at another server by its next SYN, unless silence is wanted") {
  for (const OnDown onDown : kAll) {
    TestDirector t;
    t.addService();
    t.addServer(11);
    CHECK_EQ(t.tcp(1, kTcpSyn), "11");
    t.addServer(12);
    t.setHealth(11, down(onDown));
    CHECK_EQ(t.tcp(1, kTcpSyn), onDown == OnDown::drop ? "dropServerDown" : "12");
    CHECK_EQ(t.counter("connectionsRescheduled"), onDown == OnDown::drop ? 0u : 1u);
    CHECK_EQ(t.director.connectionCount(), 1u);
  }
}

TEST("a server that is down is passed over in silence, as a removed one, and its connections go on when it is up") {
  Setting t;
  t.takeDown(OnDown::drop);
  for (const uint8_t flags : {kTcpAck, kTcpFin, kTcpRst, kTcpSyn}) {
    CHECK_EQ(t.tcp(1, flags), "dropServerDown");
    CHECK(t.sent.empty());
  }
  CHECK_EQ(t.counts(11), (testing::Counts{1, 0}));
  t.bringUp();
  CHECK_EQ(t.tcp(1, kTcpAck), "11");
  CHECK_EQ(t.counter("dropServerDown"), 4u);
}

TEST("with expire_nodest_conn the silence ends with the connection's next packet, as for a removed server") {
  Setting t;
  t.setSysctl("expire_nodest_conn", 1);
  t.takeDown(OnDown::drop);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNotScheduled");
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.tcp(1, kTcpSyn), "12");
}

TEST("a service that reschedules the datagrams of removed servers does so for those of a silent one") {
  for (const bool reschedules : {false, true}) {
    ServiceConfig config{"rr"};
    config.rescheduleUdp = reschedules;
    Setting t(config, TestDirector::kNames);
    t.takeDown(OnDown::drop);
    CHECK_EQ(t.udp(1), reschedules ? "12" : "dropServerDown");
  }
}

TEST("a connection of a server that is down is reset by its next packet, once, and may begin anew") {
  Setting t;
  t.takeDown(OnDown::reset);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropConnectionReset");
  CHECK(t.isReset());
  CHECK_EQ(t.counter("connectionsReset"), 1u);
  CHECK_EQ(t.counter("answersReset"), 1u);
  CHECK_EQ(t.counter("connectionsDropped"), 1u);
  CHECK_EQ(t.counts(11), testing::Counts{});
  CHECK_EQ(t.tcp(1, kTcpAck), "dropNotScheduled");
  CHECK_EQ(t.tcp(1, kTcpSyn), "12");
  t.bringUp();
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
}

TEST("a service that leads packets from the middle of connections on by their hash resets such a connection, too") {
  ServiceConfig config{"maglev"};
  config.midStream = MidStream::hash;
  Setting t(config);
  t.takeDown(OnDown::reset);
  CHECK_EQ(t.tcp(1, kTcpAck), "dropConnectionReset");
  CHECK(t.isReset());
}

TEST("a client's own reset ends such a connection and is not answered") {
  Setting t;
  t.takeDown(OnDown::reset);
  CHECK_EQ(t.tcp(1, kTcpRst), "dropConnectionReset");
  CHECK(t.sent.empty());
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("a connection without a packet meanwhile goes on when its server is up again, whatever was wanted") {
  for (const OnDown onDown : kAll) {
    Setting t;
    t.takeDown(onDown);
    t.pass(20);
    t.bringUp();
    CHECK_EQ(t.tcp(1, kTcpAck), "11");
    CHECK_EQ(t.counter("connectionsDropped"), 0u);
  }
}

TEST("the next packet of a connection is scheduled anew, from its middle as well, and the ones after it follow") {
  Setting t;
  t.takeDown(OnDown::reschedule);
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
  CHECK_EQ(t.state(), "ESTABLISHED");
  CHECK_EQ(t.counter("connectionsRescheduled"), 1u);
  CHECK_EQ(t.counts(11), testing::Counts{});
  CHECK_EQ(t.counts(12), (testing::Counts{1, 0}));
  t.bringUp();
  CHECK_EQ(t.tcp(1, kTcpAck), "12");
  CHECK_EQ(t.counter("connectionsMidStream"), 0u);
}

TEST("a reset or a packet without flags is not scheduled anew") {
  for (const uint8_t flags : {kTcpRst, uint8_t{0}}) {
    Setting t;
    t.takeDown(OnDown::reschedule);
    CHECK_EQ(t.tcp(1, flags), "dropServerDown");
    CHECK_EQ(t.counts(11), (testing::Counts{1, 0}));
  }
}

TEST("a connection that nobody takes stays, and goes on when its server is up again") {
  for (const OnDown onDown : {OnDown::reset, OnDown::reschedule}) {
    const bool isUdp = onDown == OnDown::reset;
    Setting t({"rr"}, isUdp ? TestDirector::kNames : TestDirector::kWeb);
    t.takeDown(onDown);
    t.setHealth(12, down(onDown), t.key_);
    CHECK_EQ(isUdp ? t.udp(1) : t.tcp(1, kTcpAck), "dropNoServer");
    CHECK_EQ(t.director.connectionCount(), 1u);
    t.bringUp();
    CHECK_EQ(isUdp ? t.udp(1) : t.tcp(1, kTcpAck), "11");
  }
}

TEST("datagrams go to another server where connections are reset or scheduled anew") {
  for (const OnDown onDown : kAll) {
    Setting t({"rr"}, TestDirector::kNames);
    t.takeDown(onDown);
    const bool moves = onDown == OnDown::reset || onDown == OnDown::reschedule;
    CHECK_EQ(t.udp(1), moves ? "12" : onDown == OnDown::keep ? "11" : "dropServerDown");
    CHECK_EQ(t.counter("connectionsRescheduled"), moves ? 1u : 0u);
    CHECK_EQ(t.counter("connectionsReset"), 0u);
  }
}

TEST("SCTP is dropped where TCP is reset, and an INIT opens a new association") {
  const ServiceKey key{TestDirector::kWeb.address, 9, 132};
  constexpr uint8_t kData = 0, kInit = 1, kAbort = 6;
  for (const OnDown onDown : kAll) {
    TestDirector t;
    t.addService("rr", key);
    t.addServer(11, {}, key);
    const auto send = [&](uint8_t chunk) {
      return t.send(PacketBuilder().ip("198.51.100.7", "192.0.2.10").sctp(1000, 9, chunk).build());
    };
    for (const uint8_t chunk : {kInit, kData}) CHECK_EQ(send(chunk), "11");
    t.addServer(12, {}, key);
    t.setHealth(11, down(onDown), key);
    const bool moves = onDown == OnDown::reschedule;
    if (onDown != OnDown::keep) CHECK_EQ(send(kAbort), "dropServerDown");
    CHECK_EQ(send(kData), moves ? "12" : onDown == OnDown::keep ? "11" : "dropServerDown");
    if (onDown == OnDown::reset) CHECK_EQ(send(kInit), "12");
  }
}

TEST("datagrams of a one-packet service have no connection, and go elsewhere at once") {
  ServiceConfig config{"rr"};
  config.onePacket = true;
  for (const OnDown onDown : kAll) {
    Setting t(config, TestDirector::kNames);
    t.takeDown(onDown);
    for (int i = 0; i < 3; i++) CHECK_EQ(t.udp(1), "12");
  }
}

TEST("the rest of a datagram whose first fragment went to the server is dropped unless connections are kept") {
  for (const OnDown onDown : kAll) {
    Setting t({"rr"}, TestDirector::kNames);
    const auto piece = [&](uint16_t offset, bool isLast) {
      PacketBuilder packet;
      packet.ip("198.51.100.7", "192.0.2.10").identification(7);
      if (offset == 0) packet.udp(2000, 53).payload(24);
      if (offset != 0) packet.protocol(IpProtocol::udp).payload(8).fragmentOffset(offset);
      if (!isLast) packet.moreFragments();
      return t.send(packet.build());
    };
    t.setHealth(12, down(OnDown::keep), TestDirector::kNames);
    CHECK_EQ(piece(0, false), "11");
    t.takeDown(onDown);
    CHECK_EQ(piece(32, true), onDown == OnDown::keep ? "11" : "dropServerDown");
  }
}

TEST("every forwarding method obeys") {
  for (const auto method : {ForwardingMethod::dr, ForwardingMethod::gre, ForwardingMethod::local}) {
    Setting t;
    ServerConfig config;
    config.tunnel.method = method;
    CHECK(t.apply(EditServer{TestDirector::kWeb, TestDirector::server(11), config}).ok());
    t.takeDown(OnDown::reset);
    CHECK_EQ(t.tcp(1, kTcpAck), "dropConnectionReset");
    CHECK(t.isReset());
  }
}

TEST("a client that persistence kept for the server goes to another for good, whatever the sysctl says") {
  for (const OnDown onDown : kAll) {
    for (const bool isOut : {false, true}) {
      ServiceConfig config{"rr"};
      config.persistence.timeoutSeconds = 300;
      Setting t(config);
      CHECK_EQ(t.tcp(2, kTcpSyn), "11");
      t.takeDown(onDown, isOut);
      CHECK_EQ(t.tcp(3, kTcpSyn), "12");
      t.bringUp();
      CHECK_EQ(t.tcp(4, kTcpSyn), "12");
      CHECK_EQ(t.row(12).persistent, 1);
    }
  }
}

TEST("a client that did not come meanwhile is still kept for the server") {
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = 300;
  Setting t(config);
  t.takeDown(OnDown::reset);
  t.bringUp();
  CHECK_EQ(t.tcp(2, kTcpSyn), "11");
}

TEST("a sorry server that is at rest keeps its connections, and leads no new ones of its clients") {
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = 300;
  Setting t(config);
  t.setHealth(11, {.isOut = true, .onDown = OnDown::reset});
  CHECK_EQ(t.tcp(1, kTcpAck), "11");
  CHECK_EQ(t.tcp(2, kTcpSyn), "12");
}

TEST("explain foretells what becomes of the packet") {
  for (const OnDown onDown : kAll) {
    for (const uint8_t flags : {kTcpSyn, kTcpAck, kTcpFin, kTcpRst, uint8_t{0}}) {
      Setting t;
      t.takeDown(onDown);
      const Explanation said = t.explain(PacketBuilder().ip("198.51.100.7", "192.0.2.10").tcp(1025, 80, flags).build());
      const std::string foretold = said.verdict == Verdict::forwarded
                                       ? std::to_string(said.server->address.bytes[3])
                                       : std::string(kVerdictNames[static_cast<size_t>(said.verdict)]);
      CHECK_EQ(foretold, t.tcp(1, flags));
    }
  }
}

TEST("a client is not told of ICMP errors about packets to a server that is down, unless its connections go on") {
  for (const OnDown onDown : kAll) {
    Setting t;
    CHECK_EQ(t.tcp(2, kTcpSyn), "12");
    CHECK_EQ(t.tcp(3, kTcpSyn), "11");
    const Bytes outer = t.sent;
    const IpAddress router = IpAddress::v4(10, 0, 0, 254), director = IpAddress::v4(10, 0, 0, 1);
    const auto tell = [&] { return t.send(testing::icmpPacket(router, director, 3, 1, 0, outer)); };
    CHECK_EQ(tell(), "recreatedIcmp");
    t.takeDown(onDown);
    CHECK_EQ(tell(), onDown == OnDown::keep ? "recreatedIcmp" : "dropIcmp");
    t.bringUp();
    CHECK_EQ(tell(), "recreatedIcmp");
  }
}

// ---- what tells without a check ----

TEST("a SYN that comes again before anything else is counted for its server, once a connection") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  for (int i = 0; i < 3; i++) t.tcp(1, kTcpSyn);
  t.establish(2);
  t.tcp(2, kTcpSyn);
  t.tcp(3, kTcpSyn);
  CHECK_EQ(t.row(11).traffic.repeatedOpenings, 1u);
}

TEST("a client's reset is counted for its server, unless the connection is closed") {
  Setting t;
  for (int i = 0; i < 3; i++) t.tcp(1, kTcpRst);
  CHECK_EQ(t.row(11).traffic.clientResets, 1u);
  CHECK(t.apply(ZeroCounters{}).ok());
  CHECK_EQ(t.row(11).traffic.clientResets, 0u);
}

TEST("an ICMP error about a packet to the server is counted for it, and none about what was not sent") {
  Setting t;
  CHECK_EQ(t.tcp(1, kTcpAck), "11");
  const Bytes outer = t.sent;
  const IpAddress router = IpAddress::v4(10, 0, 0, 254), director = IpAddress::v4(10, 0, 0, 1);
  const auto tell = [&](Bytes quoted) {
    t.send(testing::icmpPacket(router, director, 3, 1, 0, quoted));
    return t.row(11).traffic.tunnelErrors;
  };
  CHECK_EQ(tell(outer), 1u);
  Bytes elsewhere = outer;
  elsewhere[19] = 12;  // the outer destination
  CHECK_EQ(tell(elsewhere), 1u);
  CHECK_EQ(t.row(12).traffic.tunnelErrors, 0u);
}

}  // namespace
}  // namespace tunvs::server_down_test
