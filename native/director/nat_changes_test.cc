// Changes of NAT servers and their services under connections whose packets are rewritten.
#include "support/nat_director.h"

namespace tunvs::nat_changes_test {
namespace {

using testing::address;
using testing::Bytes;
using testing::Counts;
using testing::exchanged;
using testing::NatDirector;
using testing::PacketBuilder;

const ServiceKey kWeb = NatDirector::kWeb;
const IpAddress kRouter = IpAddress::v4(203, 0, 113, 9), kServer = IpAddress::v4(10, 0, 0, 11);

struct Connected : testing::ConnectedNatDirector {
  // A router on the client's side reports on a reply.
  std::string fromClientsSide() {
    const Bytes reply = PacketBuilder().ip(kWeb.address, kClient).tcp(80, 40000, kTcpAck).build();
    return send(testing::icmpPacket(kRouter, kWeb.address, 3, 1, 0, testing::firstOf(reply, 28)));
  }
  // A router on the server's side reports on the client's packet.
  std::string fromServersSide() {
    const Bytes quoted = testing::firstOf(fromServer(11, 80, 40000, kTcpAck), 28);
    return send(testing::icmpPacket(kServer, kClient, 3, 1, 0, exchanged(quoted)));
  }
};

// A director with 300 connections of a persistent service.
struct Persistent : NatDirector {
  explicit Persistent(uint16_t firstPort) {
    ServiceConfig config{"rr"};
    config.persistence.timeoutSeconds = 60;
    addService(config);
    addNat(11);
    for (uint16_t i = 0; i < 300; i++) CHECK_EQ(send(fromClient(static_cast<uint16_t>(firstPort + i), kTcpSyn)), "11");
  }
};

TEST("when a server's method is edited, its connections stay with NAT, and new ones don't") {
  Connected t;
  t.editServer(11, {});
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "11");
  CHECK_EQ(t.sent[9], 6);
  CHECK_EQ(t.sentTo(), "10.0.0.11:80");
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "returned");
  CHECK_EQ(t.sentFrom(), "192.0.2.10:80");
  CHECK_EQ(t.send(t.fromClient(40001, kTcpSyn)), "11");
  CHECK_EQ(t.sent[9], 4);
}

TEST("ICMP errors of both sides about such connections are translated, too") {
  Connected t;
  t.editServer(11, {});
  CHECK_EQ(t.fromClientsSide(), "relayedIcmp");
  CHECK_EQ(t.sent[9], 1);
  CHECK(t.sent.size() >= 48 && NatDirector::source(testing::bytesOf(std::span(t.sent).subspan(28))) == "10.0.0.11:80");
  CHECK_EQ(t.fromServersSide(), "relayedIcmp");
  CHECK(t.sent.size() >= 48 &&
        NatDirector::destination(testing::bytesOf(std::span(t.sent).subspan(28))) == "192.0.2.10:80");
}

TEST("a tunnelled server's connections stay tunnelled when the server becomes one of NAT") {
  NatDirector t;
  t.addService();
  t.addServer(11);
  CHECK_EQ(t.send(t.fromClient(40000, kTcpSyn)), "11");
  t.editServer(11, NatDirector::natConfig());
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "11");
  CHECK_EQ(t.sent[9], 4);
  CHECK_EQ(t.handshake(40001), "11");
  CHECK_EQ(t.sent[9], 6);
  // Twice back and forth.
  for (const auto& config : {ServerConfig{}, NatDirector::natConfig(), ServerConfig{}}) {
    t.editServer(11, config);
    CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "11");
    CHECK_EQ(t.sent[9], 4);
    CHECK_EQ(t.send(t.fromClient(40001, kTcpAck)), "11");
    CHECK_EQ(t.sent[9], 6);
  }
}

TEST("a server that was deleted and comes back with another method keeps its connections") {
  Connected t;
  t.deleteServer(11);
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "dropServerGone");
  t.addServer(11);
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "11");
  CHECK_EQ(t.sent[9], 6);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "returned");
  t.deleteServer(11);
  t.addNat(11);
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "11");
  CHECK_EQ(t.sent[9], 6);
}

TEST("a deleted server's packets still reach their clients and keep the connection, the clients' are dropped") {
  Connected t;
  t.deleteServer(11);
  for (int i = 0; i < 3; i++) {
    t.pass(600);
    CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "dropServerGone");
    CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "returned");
    CHECK_EQ(t.fromClientsSide(), "relayedIcmp");
    CHECK_EQ(t.fromServersSide(), "relayedIcmp");
  }
  t.pass(901);
  CHECK_EQ(t.director.connectionCount(), 0u);
  for (int i = 0; i < 3; i++) t.pass(100);  // the server is forgotten
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "dropNoService");
}

TEST("with expire_nodest_conn they end at once, with all that they had") {
  Connected t;
  t.setSysctl("expire_nodest_conn", 1);
  t.deleteServer(11);
  while (!t.director.endRemoved()) {
  }
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "dropUnmatchedReply");
}

TEST("when the last service is deleted, servers' packets go on to be translated") {
  Connected t;
  CHECK(t.apply(DeleteService{kWeb}).ok());
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "dropNoService");
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "returned");
  t.pass(901);
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("a server's connections are ended with their templates and reply entries") {
  Persistent t(40000);
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
  const auto ended = t.director.endConnections(kWeb, NatDirector::server(11));
  CHECK(ended.ok() && ended.value() == 300);
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.counts(11), Counts{});
  CHECK_EQ(t.row(11).persistent, 0);
}

TEST("connections are rescheduled from a server that is down to one of another method, and back") {
  NatDirector t;
  t.addService();
  t.addNat(11);
  CHECK_EQ(t.handshake(40000), "11");
  t.addServer(12);
  t.setHealth(11, {.isUp = false, .onDown = OnDown::reschedule});
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "12");
  CHECK_EQ(t.sent[9], 4);
  CHECK_EQ(t.director.connectionCount(), 1u);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "dropUnmatchedReply");
  t.setHealth(11, {});
  t.setHealth(12, {.isUp = false, .onDown = OnDown::reschedule});
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "11");
  CHECK_EQ(t.sent[9], 6);
  CHECK_EQ(t.director.connectionCount(), 2u);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "returned");
  CHECK_EQ(t.counter("connectionsRescheduled"), 2u);
}

TEST("a connection that is adopted mid-stream is translated in both directions") {
  NatDirector t;
  ServiceConfig config{"maglev"};
  config.midStream = MidStream::hash;
  t.addService(config);
  t.addNat(11, 8080);
  CHECK_EQ(t.thereAndBack(t.fromClient(40000, kTcpAck, 50)), "the same");
  CHECK_EQ(t.state(), "ESTABLISHED");
}

TEST("schedule_icmp opens a connection for an error about an unknown reply, and rewrites the error") {
  NatDirector t;
  t.setSysctl("schedule_icmp", 1);
  t.addService();
  t.addNat(11, 8080);
  const Bytes reply = PacketBuilder().ip(kWeb.address, NatDirector::kClient).tcp(80, 40000, kTcpAck).build();
  for (int i = 0; i < 2; i++) {
    CHECK_EQ(t.send(testing::icmpPacket(kRouter, kWeb.address, 3, 1, 0, reply)), "relayedIcmp");
    CHECK(t.sent.size() > 52 &&
          NatDirector::source(testing::bytesOf(std::span(t.sent).subspan(28))) == "10.0.0.11:8080");
    CHECK_EQ(t.director.connectionCount(), 2u);
  }
  t.pass(4);
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("a full table goes on to take new connections, and takes reply entries with those that give way") {
  DirectorOptions options = NatDirector::defaultOptions();
  NatDirector t(options);
  t.addService();
  t.addNat(11);
  const uint64_t capacity = t.director.connectionCapacity();
  uint64_t refused = 0;
  for (uint32_t i = 0; i < 3 * capacity; i++) {
    const IpAddress client = IpAddress::v4(Be32::from(0x0b000000 + i));
    const std::string to = t.send(PacketBuilder().ip(client, kWeb.address).tcp(1000, 80, kTcpSyn).build());
    if (to != "11") refused++;
    if (i % 64 == 63) t.passTicks(40);
  }
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
  CHECK(t.counter("connectionsEvicted") > capacity);
  CHECK(refused < capacity / 10);
  CHECK(t.director.connectionCount() <= capacity);
  t.pass(100);
  CHECK_EQ(t.director.connectionCount(), 0u);
  CHECK_EQ(t.counts(11), Counts{});
}

TEST("packets that waited for a policy are rewritten, and the server's answer comes back") {
  NatDirector t;
  t.addService();
  t.addNat(11, 8080);
  auto policy = std::make_shared<ConnectionPolicy>();
  policy->id = 1;
  CHECK(t.apply(SetPolicy{kWeb, {nullptr, policy}}).ok());
  const Bytes packet = t.fromClient(40000, kTcpSyn);
  for (int i = 0; i < 2; i++) CHECK_EQ(t.send(packet), "parked");
  PolicyQuestion question;
  REQUIRE(t.director.takeQuestion(0, question));
  const PolicyAnswer answer{question.flow, question.sequence};
  t.director.resume(0, {&answer, 1}, t.now, t.out);
  REQUIRE(t.out.count() == 2);
  const Bytes first(t.out[0].data, t.out[0].data + t.out[0].length);
  CHECK_EQ(NatDirector::destination(first), "10.0.0.11:8080");
  CHECK(first == Bytes(t.out[1].data, t.out[1].data + t.out[1].length));
  CHECK_EQ(t.send(exchanged(first)), "returned");
  CHECK(t.sent == exchanged(packet));
  CHECK_EQ(t.director.connectionCount(), 2u);
}

TEST("drop_entry takes connections with their reply entries, and no reply entry alone") {
  Persistent t(20000);
  t.setSysctl("drop_entry", 3);
  for (int i = 0; i < 30; i++) {
    t.pass(1);
    CHECK_EQ(testing::brokenNatLaw(t.director), "");
  }
  CHECK(t.counter("connectionsDropped") > 100);
  CHECK_EQ(t.counts(11).active, static_cast<int32_t>(300 - t.counter("connectionsDropped")));
}

// Two entries with one key would each get some of the packets.
TEST("no connection begins under the key of a reply entry, whose connection has just come to its deadline") {
  const ServiceKey other{IpAddress::v4(192, 0, 2, 11), 80, 6};
  NatDirector t;
  t.addService();
  t.addNat(11, 8080);
  t.addService("rr", other);
  t.addNat(12, 80, other);
  // Somebody sends in the name of the other virtual address.
  CHECK_EQ(t.send(PacketBuilder().ip(other.address, kWeb.address).tcp(80, 80, kTcpSyn).build()), "11");
  const auto fromServer = [&](bool isFragment) {
    PacketBuilder packet = PacketBuilder().ip(kServer, other.address).tcp(8080, 80, kTcpSyn);
    return (isFragment ? packet.payload(24).moreFragments() : packet).build();
  };
  CHECK_EQ(t.send(fromServer(false)), "returned");
  t.now += ticksFromSeconds(61);
  CHECK_EQ(t.send(fromServer(true)), "dropUnmatchedReply");
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
  CHECK_EQ(t.send(fromServer(false)), "dropUnmatchedReply");
  t.pass(1);
  CHECK_EQ(t.send(fromServer(false)), "12");
}

}  // namespace
}  // namespace tunvs::nat_changes_test
