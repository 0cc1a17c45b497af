// What explain() says of packets that are rewritten, in both directions, is what then happens.
#include "support/nat_director.h"
#include "support/random.h"

namespace tunvs::explain_nat_test {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::NatDirector;
using testing::PacketBuilder;
using testing::Random;
using testing::TestDirector;

const ServiceKey kWeb = TestDirector::kWeb, kNames = TestDirector::kNames;
const IpAddress kVip = kWeb.address, kClient = NatDirector::kClient;
const ServerKey kServer{IpAddress::v4(10, 0, 0, 11), 8080};

std::string textOf(const Endpoint& endpoint) {
  return toString(endpoint.address) + ":" + std::to_string(endpoint.port.host());
}

// Writes "forwarded 198.51.100.7:1024 10.0.0.11:8080"; without addresses when the packet stays as it is.
std::string explained(TestDirector& t, const Bytes& bytes) {
  const Explanation said = t.explain(bytes);
  std::string text(kVerdictNames[static_cast<size_t>(said.verdict)]);
  if (said.becomes) text += " " + textOf(said.becomes->source) + " " + textOf(said.becomes->destination);
  return text;
}

// Sends a packet, and writes what became of it in the same way.
std::string happens(TestDirector& t, const Bytes& bytes) {
  HeldPacket held(bytes);
  Packet packet = held.packet();
  Verdict verdict{};
  t.director.process(0, {&packet, 1}, t.now, t.out, &verdict);
  std::string text(kVerdictNames[static_cast<size_t>(verdict)]);
  if (kVerdictInfos[static_cast<size_t>(verdict)].kind != VerdictKind::sent || t.out.count() == 0) return text;
  const uint8_t* sent = t.out[0].data;
  if (verdict == Verdict::passedOn) return text;
  const bool hasPorts = sent[9] != 1 && (loadBe16(sent + 6) & 0x1fff) == 0;
  const auto endpoint = [&](size_t address, size_t port) {
    const IpAddress ip = IpAddress::v4(sent[address], sent[address + 1], sent[address + 2], sent[address + 3]);
    return toString(ip) + ":" + std::to_string(hasPorts ? loadBe16(sent + port) : 0);
  };
  return text + " " + endpoint(12, 20) + " " + endpoint(16, 22);
}

bool saysWhatHappens(TestDirector& t, const Bytes& bytes, const std::string& expected) {
  const std::string first = explained(t, bytes), second = explained(t, bytes);
  return CHECK_EQ(first, expected) & CHECK_EQ(second, expected) & CHECK_EQ(happens(t, bytes), expected);
}

Bytes fromClient(uint8_t flags) { return NatDirector::fromClient(1024, flags); }
Bytes fromServer(uint8_t flags, uint16_t port = 1024) { return NatDirector::fromServer(11, 8080, port, flags); }

struct OneServer : NatDirector {
  explicit OneServer(const DirectorOptions& options = defaultOptions()) : NatDirector(options) {
    addService("rr");
    addNat(11, 8080);
  }
};

TEST("says what the packets of both sides become") {
  OneServer t;
  const std::string there = "198.51.100.7:1024 10.0.0.11:8080", back = "192.0.2.10:80 198.51.100.7:1024";
  CHECK(saysWhatHappens(t, fromServer(kTcpSyn | kTcpAck), "dropUnmatchedReply"));
  CHECK(saysWhatHappens(t, fromClient(kTcpSyn), "forwarded " + there));
  const Explanation said = t.explain(fromServer(kTcpSyn | kTcpAck));
  CHECK(said.by == DecidedBy::connection && said.server == kServer);
  CHECK_EQ(said.connectionState, "SYN_RECV");
  CHECK(saysWhatHappens(t, fromServer(kTcpSyn | kTcpAck), "returned " + back));
  CHECK(saysWhatHappens(t, fromClient(kTcpAck), "forwarded " + there));
  CHECK(saysWhatHappens(t, fromServer(kTcpAck, 1025), "dropUnmatchedReply"));
  CHECK(saysWhatHappens(t, PacketBuilder().ip(kServer.address, kClient).tcp(22, 1024, kTcpAck).build(), "passedOn"));
}

TEST("says of a deleted server that its client's packets are dropped, and its own are returned") {
  OneServer t;
  happens(t, fromClient(kTcpSyn));
  CHECK(t.apply(DeleteServer{kWeb, kServer}).ok());
  CHECK(saysWhatHappens(t, fromClient(kTcpAck), "dropServerGone"));
  CHECK(saysWhatHappens(t, fromServer(kTcpAck), "returned 192.0.2.10:80 198.51.100.7:1024"));
}

TEST("says of a reply of no connection that it passes where it may, and is dropped where its sender is told") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.unmatchedReplies = UnmatchedReplies::pass;
  OneServer t(options);
  CHECK(saysWhatHappens(t, fromServer(kTcpAck), "passedOn"));
  t.setSysctl("nat_icmp_send", 1);
  CHECK(saysWhatHappens(t, fromServer(kTcpAck), "dropUnmatchedReply"));
}

TEST("says of one-packet UDP that its answers are returned in the service's name, whole and in fragments") {
  NatDirector t;
  ServiceConfig onePacket{"rr"};
  onePacket.onePacket = true;
  t.addService(onePacket, kNames);
  t.addNat(11, 5353, kNames);
  const std::string back = "returned 192.0.2.10:53 198.51.100.7:1024";
  CHECK(saysWhatHappens(t, PacketBuilder().ip(kServer.address, kClient).udp(5353, 1024).payload(9).build(), back));
  const auto part = [](uint16_t offset, size_t bytes, bool more) {
    PacketBuilder builder = PacketBuilder().ip(kServer.address, kClient).fragmentOffset(offset).identification(7);
    if (more) builder.moreFragments();
    if (offset == 0) return builder.udp(5353, 1024).payload(bytes - 8).build();
    return builder.protocol(IpProtocol::udp).payload(bytes).build();
  };
  CHECK(saysWhatHappens(t, part(0, 400, true), back));
  CHECK(saysWhatHappens(t, part(400, 200, false), "returned 192.0.2.10:0 198.51.100.7:0"));
}

TEST("says of fragments of both sides what they become, and of others that they go on") {
  NatDirector t;
  t.addService("rr", kNames);
  t.addNat(11, 5353, kNames);
  const auto part = [](const IpAddress& from, const IpAddress& to, uint16_t offset, IpProtocol protocol) {
    PacketBuilder builder = PacketBuilder().ip(from, to).fragmentOffset(offset).identification(9);
    if (offset == 0) builder.moreFragments();
    const bool isFromServer = from == kServer.address;
    if (offset == 0 && protocol == IpProtocol::udp)
      return builder.udp(isFromServer ? 5353 : 1024, isFromServer ? 1024 : 53).payload(392).build();
    return builder.protocol(protocol).payload(400).build();
  };
  const auto udp = IpProtocol::udp;
  CHECK(saysWhatHappens(t, part(kClient, kVip, 0, udp), "forwarded 198.51.100.7:1024 10.0.0.11:5353"));
  CHECK(saysWhatHappens(t, part(kClient, kVip, 400, udp), "forwarded 198.51.100.7:0 10.0.0.11:0"));
  CHECK(saysWhatHappens(t, part(kServer.address, kClient, 0, udp), "returned 192.0.2.10:53 198.51.100.7:1024"));
  CHECK(saysWhatHappens(t, part(kServer.address, kClient, 400, udp), "returned 192.0.2.10:0 198.51.100.7:0"));
  const IpAddress other = IpAddress::v4(203, 0, 113, 5);
  CHECK(saysWhatHappens(t, part(other, kClient, 0, udp), "passedOn"));
  CHECK(saysWhatHappens(t, part(other, kClient, 400, udp), "passedOn"));
  CHECK(saysWhatHappens(t, part(kServer.address, kClient, 0, IpProtocol::gre), "passedOn"));
  CHECK(
      saysWhatHappens(t, PacketBuilder().ip(other, kClient).protocol(IpProtocol::gre).payload(40).build(), "passedOn"));
}

TEST("says what an ICMP error of either side becomes") {
  OneServer t;
  happens(t, fromClient(kTcpSyn));
  const IpAddress router = IpAddress::v4(203, 0, 113, 9);
  const auto error = [&](const IpAddress& to, Bytes quoted) {
    quoted.resize(28);
    return testing::icmpPacket(router, to, 3, 1, 0, quoted);
  };
  const Bytes reply = PacketBuilder().ip(kVip, kClient).tcp(80, 1024, kTcpAck).build();
  CHECK(saysWhatHappens(t, error(kVip, reply), "relayedIcmp 203.0.113.9:0 10.0.0.11:0"));
  const auto request = [](uint16_t port) {
    return PacketBuilder().ip(kClient, kServer.address).tcp(port, 8080, kTcpAck).build();
  };
  CHECK(saysWhatHappens(t, error(kClient, request(1024)), "relayedIcmp 192.0.2.10:0 198.51.100.7:0"));
  CHECK(saysWhatHappens(t, error(kClient, request(1025)), "dropUnmatchedReply"));
}

TEST("says of any packet of either side what then becomes of it, and changes nothing by saying so") {
  for (uint64_t seed = 0; seed < 40 / testing::kFewer; seed++) {
    Random random(seed);
    NatDirector t;
    for (const ServiceKey& key : {kWeb, kNames}) {
      ServiceConfig config{"rr"};
      if (random.oneIn(3)) config.persistence.timeoutSeconds = 5;
      config.onePacket = key == kNames && random.oneIn(3);
      CHECK(t.apply(AddService{key, config}).ok());
      for (uint8_t last = 11; last < 14; last++) t.addNat(last, 8080, key);
    }
    t.setSysctl("expire_nodest_conn", random.below(2));
    for (int packet = 0; packet < 300; packet++) {
      static constexpr uint8_t kFlags[] = {kTcpSyn, kTcpSyn | kTcpAck, kTcpAck, kTcpFin, kTcpRst};
      const IpAddress client = IpAddress::v4(198, 51, 100, static_cast<uint8_t>(random.below(3)));
      const IpAddress server = IpAddress::v4(10, 0, 0, static_cast<uint8_t>(11 + random.below(3)));
      const auto port = static_cast<uint16_t>(1024 + random.below(4));
      const bool isReply = random.oneIn(2), isTcp = random.oneIn(2);
      PacketBuilder builder = isReply ? PacketBuilder().ip(server, client) : PacketBuilder().ip(client, kVip);
      const uint16_t there = isTcp ? 80 : 53, from = isReply ? 8080 : port, to = isReply ? port : there;
      if (isTcp) {
        builder.tcp(from, to, kFlags[random.below(std::size(kFlags))]);
      } else {
        builder.udp(from, to);
      }
      const Bytes bytes = builder.build();
      if (random.oneIn(20)) t.pass(random.below(70));
      if (random.oneIn(30)) {
        const ServiceKey& key = random.oneIn(2) ? kWeb : kNames;
        const ServerKey changed{server, 8080};
        static_cast<void>(random.oneIn(2) ? t.apply(DeleteServer{key, changed})
                                          : t.apply(AddServer{key, changed, NatDirector::natConfig()}));
      }
      const std::string first = explained(t, bytes), second = explained(t, bytes), happened = happens(t, bytes);
      if (first == happened && second == happened) continue;
      testing::fail(__FILE__, __LINE__, "said " + first + ", then " + second + ", but " + happened + " happened");
      return;
    }
  }
}

}  // namespace
}  // namespace tunvs::explain_nat_test
