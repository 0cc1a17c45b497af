// LVS/NAT as clients and real servers see it: what becomes of the packets of both sides, and what they mean to the
// connection.
#include "packet/transport_checksum.h"
#include "support/nat_director.h"

namespace tunvs::nat_test {
namespace {

using testing::address;
using testing::Bytes;
using testing::Counts;
using testing::exchanged;
using testing::NatDirector;
using testing::PacketBuilder;

const ServiceKey kWeb = NatDirector::kWeb, kNames = NatDirector::kNames;

Bytes question() { return PacketBuilder().ip(NatDirector::kClient, kNames.address).udp(40000, 53).payload(9).build(); }

TEST("what a server got and sends back reaches the client from the virtual service") {
  for (const uint16_t port : {80, 8080}) {
    NatDirector t;
    t.addService();
    t.addNat(11, port);
    CHECK_EQ(t.thereAndBack(t.fromClient(40000, kTcpSyn)), "the same");
    CHECK_EQ(t.thereAndBack(t.fromClient(40000, kTcpAck, 100)), "the same");
    CHECK_EQ(t.send(t.fromClient(40000, kTcpAck, 100)), "11");
    CHECK_EQ(t.sentTo(), "10.0.0.11:" + std::to_string(port));
    CHECK_EQ(t.sentFrom(), "198.51.100.7:40000");
  }
}

TEST("a wrong checksum stays wrong by the same amount, there and back") {
  NatDirector t;
  t.addService();
  t.addNat(11, 8080);
  Bytes packet = t.fromClient(40000, kTcpSyn);
  packet[36] ^= 0x55;
  CHECK_EQ(t.thereAndBack(packet), "the same");
  CHECK_EQ(t.send(packet), "11");
  const auto isRight = [&] {
    return transportChecksumIsRight(NatDirector::kClient, IpAddress::v4(10, 0, 0, 11), 6,
                                    std::span(t.sent).subspan(20));
  };
  CHECK(!isRight());
  packet[36] ^= 0x55;
  CHECK_EQ(t.send(packet), "11");
  CHECK(isRight());
}

TEST("a datagram without a checksum gets a right one in both directions, and its answer too") {
  NatDirector t;
  t.addService("rr", kNames);
  t.addNat(11, 5353, kNames);
  Bytes asked = question();
  const Bytes right = asked;
  storeBe16(&asked[26], 0);
  CHECK_EQ(t.send(asked), "11");
  CHECK(loadBe16(&t.sent[26]) != 0);
  Bytes answer = exchanged(t.sent);
  storeBe16(&answer[26], 0);
  CHECK_EQ(t.send(answer), "returned");
  CHECK(t.sent == exchanged(right));
}

TEST("in a service of every port, a server of port 0 gets the packet's own port") {
  const ServiceKey all{kWeb.address, 0, 6};
  NatDirector t;
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = 60;
  t.addService(config, all);
  t.addNat(11, 0, all);
  for (const uint16_t port : {80, 443, 65535}) {
    const Bytes packet = PacketBuilder().ip(NatDirector::kClient, all.address).tcp(40000, port, kTcpSyn).build();
    CHECK_EQ(t.thereAndBack(packet), "the same");
    t.send(packet);
    CHECK_EQ(t.sentTo(), "10.0.0.11:" + std::to_string(port));
  }
  CHECK_EQ(t.connections().size(), 4u);  // and a template
}

TEST("IPv6 goes there and back as IPv4 does") {
  DirectorOptions options = NatDirector::defaultOptions();
  options.settings.v6 = SourceRange{address("2001:db8:2::1"), 128};
  NatDirector t(options);
  t.addService("rr", NatDirector::kWeb6);
  CHECK(t.apply(AddServer{NatDirector::kWeb6, {address("fd00::11"), 8080}, NatDirector::natConfig()}).ok());
  const Bytes packet = testing::ipv6Tcp(address("2001:db8:1::7"), NatDirector::kWeb6.address, 40000, 80, kTcpSyn);
  CHECK_EQ(t.thereAndBack(packet), "the same");
  CHECK_EQ(t.connections().size(), 1u);
  t.pass(100);
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("each side's packets count as its own") {
  testing::ConnectedNatDirector t;
  for (int i = 0; i < 3; i++) CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck, 100)), "returned");
  const auto traffic = t.row(11).traffic;
  CHECK_EQ(traffic.connections, 1u);
  CHECK_EQ(traffic.inPackets, 2u);
  CHECK_EQ(traffic.inBytes, 80u);
  CHECK_EQ(traffic.outPackets, 4u);
  CHECK_EQ(traffic.outBytes, 40u + 3 * 140);
  CHECK_EQ(t.serviceRow().traffic.outBytes, 40u + 3 * 140);
}

TEST("the states follow the packets of both sides") {
  struct Step {
    bool isServers;
    uint8_t flags;
    const char* state;
  };
  const std::vector<Step> ways[] = {
      {{false, kTcpSyn, "SYN_RECV"},
       {true, kTcpSyn | kTcpAck, "SYN_RECV"},
       {false, kTcpAck, "ESTABLISHED"},
       {false, kTcpFin | kTcpAck, "CLOSE_WAIT"},
       {true, kTcpAck, "CLOSE_WAIT"},
       {true, kTcpFin | kTcpAck, "TIME_WAIT"}},
      {{false, kTcpSyn, "SYN_RECV"},
       {true, kTcpAck, "ESTABLISHED"},
       {true, kTcpFin, "FIN_WAIT"},
       {false, kTcpFin, "TIME_WAIT"}},
      {{false, kTcpSyn, "SYN_RECV"}, {false, kTcpRst, "SYN_RECV"}, {true, kTcpRst, "CLOSE"}},
  };
  for (const auto& way : ways) {
    NatDirector t;
    t.addService();
    t.addNat(11);
    for (const Step& step : way) {
      t.send(step.isServers ? t.fromServer(11, 80, 40000, step.flags) : t.fromClient(40000, step.flags));
      CHECK_EQ(t.state(), step.state);
      const bool isActive = t.state() == "ESTABLISHED" || t.state() == "SYN_RECV";
      CHECK_EQ(t.counts(11), (Counts{isActive, !isActive}));
    }
    t.pass(1000);
    CHECK_EQ(t.counts(11), Counts{});
    CHECK_EQ(t.director.connectionCount(), 0u);
  }
}

TEST("the server's packets alone keep a connection alive") {
  testing::ConnectedNatDirector t;
  for (int i = 0; i < 5; i++) {
    t.pass(800);
    CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "returned");
  }
  t.pass(901);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "dropUnmatchedReply");
}

TEST("a reply that comes behind the deadline, before the wheels do, is not translated") {
  testing::ConnectedNatDirector t;
  t.now += ticksFromSeconds(901);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "dropUnmatchedReply");
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "dropNotScheduled");
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("a client port that is used again goes on with one reply entry") {
  NatDirector t;
  t.setSysctl("conn_reuse_mode", 1);
  t.addService();
  t.addNat(11);
  t.addNat(12);
  for (int i = 0; i < 6; i++) {
    const std::string server = t.handshake(40000);
    CHECK(server == "11" || server == "12");
    const auto lastByte = static_cast<uint8_t>(std::stoi(server));
    CHECK_EQ(t.send(t.fromServer(lastByte, 80, 40000, kTcpRst)), "returned");
    CHECK_EQ(testing::brokenNatLaw(t.director), "");
    CHECK_EQ(t.director.connectionCount(), 2u);
  }
}

const ServiceKey kOther{IpAddress::v4(192, 0, 2, 11), 80, 6};

// Two services with one server, where connections of one client port have the same endpoints.
struct SharedEndpoints : NatDirector {
  SharedEndpoints() {
    for (const auto& service : {kWeb, kOther}) {
      addService("rr", service);
      addNat(11, 8080, service);
    }
  }
};

TEST("of two connections with the same endpoints at the server, replies go to the newer one, and then to the older") {
  SharedEndpoints t;
  CHECK_EQ(t.send(t.fromClient(40000, kTcpSyn)), "11");
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck)), "11");
  CHECK_EQ(t.send(t.fromServer(11, 8080, 40000, kTcpAck)), "returned");
  CHECK_EQ(t.sentFrom(), "192.0.2.10:80");
  CHECK_EQ(t.send(t.fromClient(40000, kTcpSyn, 0, kOther)), "11");
  CHECK_EQ(t.send(t.fromServer(11, 8080, 40000, kTcpAck)), "returned");
  CHECK_EQ(t.sentFrom(), "192.0.2.11:80");
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
  CHECK_EQ(t.send(t.fromServer(11, 8080, 40000, kTcpRst)), "returned");  // the newer one closes, in 10 s
  t.pass(11);
  CHECK_EQ(t.connections().size(), 1u);
  CHECK_EQ(t.send(t.fromServer(11, 8080, 40000, kTcpAck)), "returned");
  CHECK_EQ(t.sentFrom(), "192.0.2.10:80");
}

TEST("the older of two such connections may end first") {
  SharedEndpoints t;
  CHECK_EQ(t.send(t.fromClient(40000, kTcpSyn)), "11");
  t.pass(30);
  CHECK_EQ(t.send(t.fromClient(40000, kTcpSyn, 0, kOther)), "11");
  CHECK_EQ(t.send(t.fromClient(40000, kTcpAck, 0, kOther)), "11");
  t.pass(40);
  CHECK_EQ(t.connections().size(), 1u);
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
  CHECK_EQ(t.send(t.fromServer(11, 8080, 40000, kTcpAck)), "returned");
  CHECK_EQ(t.sentFrom(), "192.0.2.11:80");
}

TEST("connections of one service that is told by a mark, and so of many virtual addresses, share endpoints likewise") {
  ServiceKey marked;
  marked.address.family = Family::ipv4;
  marked.mark = 7;
  NatDirector t;
  t.director.setMark(0, 7);
  t.addService("rr", marked);
  t.addNat(11, 8080, marked);
  std::vector<Bytes> packets;
  for (uint8_t vip = 1; vip <= 3; vip++) {
    packets.push_back(
        PacketBuilder().ip(NatDirector::kClient, IpAddress::v4(203, 0, 113, vip)).tcp(40000, 80, kTcpSyn).build());
    CHECK_EQ(t.thereAndBack(packets.back()), "the same");
    CHECK_EQ(testing::brokenNatLaw(t.director), "");
  }
  // They end in another order than they began in.
  t.pass(30);
  for (const size_t i : {1, 2, 0}) CHECK_EQ(t.send(packets[i]), "11");
  t.pass(100);
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("a server's threshold counts its connections, and not what they need besides") {
  NatDirector t;
  t.addService();
  ServerConfig two = NatDirector::natConfig();
  two.upperThreshold = 2;
  t.addNat(11, 80, kWeb, two);
  CHECK_EQ(t.handshake(40000), "11");
  CHECK_EQ(t.handshake(40001), "11");
  CHECK_EQ(t.send(t.fromClient(40002, kTcpSyn)), "dropNoServer");
  CHECK(t.row(11).overloaded);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpRst)), "returned");
  t.pass(11);
  CHECK_EQ(t.counts(11), (Counts{1, 0}));
  CHECK_EQ(t.send(t.fromClient(40002, kTcpSyn)), "11");
}

TEST("a template counts its connections by way of their reply entries, and an answer assures it") {
  NatDirector t;
  ServiceConfig config{"rr"};
  config.persistence.timeoutSeconds = 60;
  t.addService(config, kNames);
  t.addNat(11, 5353, kNames);
  const Bytes asked = question();
  const auto shown = [&] {
    for (const auto& row : t.connections()) {
      if (row.isTemplate) return std::string(row.state) + " " + std::to_string(row.controlled);
    }
    return std::string();
  };
  CHECK_EQ(t.send(asked), "11");
  CHECK_EQ(shown(), "NONE 1");
  CHECK_EQ(t.send(exchanged(t.sent)), "returned");
  CHECK_EQ(shown(), "ASSURED 1");
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
  t.pass(301);
  CHECK_EQ(shown(), "ASSURED 0");
  t.pass(200);
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("NAT servers serve beside tunnelled ones") {
  NatDirector t;
  t.addService();
  t.addNat(11);
  t.addServer(12);
  for (uint16_t port = 40000; port < 40010; port++) {
    const std::string server = t.send(t.fromClient(port, kTcpSyn));
    CHECK_EQ(t.sent[9], server == "11" ? 6 : 4);
    const auto answer = t.fromServer(static_cast<uint8_t>(std::stoi(server)), 80, port, kTcpAck);
    CHECK_EQ(t.send(answer), server == "11" ? "returned" : "passedOn");
  }
}

TEST("what a server sends beside its service's replies goes on as it is") {
  NatDirector t;
  t.addService();
  t.addNat(11);
  const Bytes own = t.fromServer(11, 50000, 443, kTcpSyn);
  CHECK_EQ(t.send(own), "passedOn");
  CHECK(t.sent == own);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "dropUnmatchedReply");
  CHECK_EQ(t.send(t.fromServer(12, 80, 40000, kTcpAck)), "passedOn");
}

TEST("with nat_icmp_send, a reply without a connection is refused, a reset is not") {
  NatDirector t;
  t.addService();
  t.addNat(11);
  t.setSysctl("nat_icmp_send", 1);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpAck)), "dropUnmatchedReply");
  CHECK(t.sent.size() > 28 && t.sent[9] == 1 && t.sent[20] == 3 && t.sent[21] == 3);
  CHECK_EQ(t.send(t.fromServer(11, 80, 40000, kTcpRst)), "dropUnmatchedReply");
  CHECK(t.sent.empty());
}

TEST("an answer to a one-packet service's datagram is translated without a connection") {
  NatDirector t;
  ServiceConfig config{"rr"};
  config.onePacket = true;
  t.addService(config, kNames);
  t.addNat(11, 5353, kNames);
  const Bytes asked = question();
  CHECK_EQ(t.thereAndBack(asked), "the same");
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("over a million openings and endings leave no reply entry behind") {
  NatDirector t;
  t.addService();
  t.addNat(11, 8080);
  t.addNat(12, 8080);
  OutputVector out;
  const uint32_t rounds = static_cast<uint32_t>(16400 / testing::kFewer);
  std::vector<testing::HeldPacket> held;
  const auto process = [&] {
    std::vector<Packet> packets;
    for (auto& each : held) packets.push_back(each.packet());
    t.director.process(0, packets, t.now, out);
    held.clear();
  };
  for (uint32_t round = 0; round < rounds; round++) {
    const auto portOf = [&](uint32_t i) { return static_cast<uint16_t>(1024 + (round * 64 + i) % 60000); };
    for (uint32_t i = 0; i < 64; i++) held.emplace_back(t.fromClient(portOf(i), kTcpSyn));
    process();
    // Half of the connections are refused, as far as the other server has them not.
    for (uint32_t i = 0; i < 64; i++)
      held.emplace_back(t.fromServer(static_cast<uint8_t>(11 + i / 4 % 2), 8080, portOf(i), kTcpRst));
    process();
    t.passTicks(kTicksPerSecond);
  }
  CHECK_EQ(t.counter("connectionsCreated"), uint64_t{64} * rounds);
  CHECK(t.counter("returned") > uint64_t{30} * rounds);
  CHECK_EQ(testing::brokenNatLaw(t.director), "");
  t.pass(61);
  CHECK_EQ(t.director.connectionCount(), 0u);
}

}  // namespace
}  // namespace tunvs::nat_test
