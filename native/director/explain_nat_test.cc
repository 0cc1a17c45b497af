// What explain() says of packets that are rewritten, in both directions, is what then happens.
#include <array>

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

// Writes "forwarded 198.51.100.7:1024 10.0.0.11:8080"; without addresses when the packet stays as it is, and with "?"
// for a source that is not known before.
std::string explained(TestDirector& t, const Bytes& bytes) {
  const Explanation said = t.explain(bytes);
  std::string text(kVerdictNames[static_cast<size_t>(said.verdict)]);
  if (!said.becomes) return text;
  return text + " " + (said.sourceIsOpen ? "?" : textOf(said.becomes->source)) + " " +
         textOf(said.becomes->destination);
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

// Replaces the source by "?" if that is what was said of it.
std::string asSaid(const std::string& said, const std::string& happened) {
  const size_t open = said.find(" ? "), from = happened.find(' ');
  if (open == std::string::npos || from == std::string::npos) return happened;
  return happened.substr(0, from) + " ?" + happened.substr(happened.find(' ', from + 1));
}

bool saysWhatHappens(TestDirector& t, const Bytes& bytes, const std::string& expected) {
  const std::string first = explained(t, bytes), second = explained(t, bytes);
  const std::string happened = asSaid(first, happens(t, bytes));
  return CHECK_EQ(first, expected) & CHECK_EQ(second, expected) & CHECK_EQ(happened, expected);
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

DirectorOptions withPairs(const char* source, uint16_t firstPort, uint16_t lastPort) {
  DirectorOptions options = NatDirector::defaultOptions();
  auto made = NatSources::make(std::array<std::string, 1>{source}, firstPort, lastPort);
  if (!made) std::abort();
  options.settings.natSources = std::move(made).value();
  return options;
}

ServerConfig fullNat() { return {.tunnel = {.method = ForwardingMethod::snat}}; }

Bytes withPort(uint16_t port, uint8_t flags = kTcpSyn) { return NatDirector::fromClient(port, flags); }

TEST("names no source of a connection that full NAT has still to pick one for, and says when there is none") {
  NatDirector t(withPairs("10.0.0.200", 5000, 5001));
  t.addService("rr");
  t.addNat(11, 8080, kWeb, fullNat());
  const std::string there = "forwarded ? 10.0.0.11:8080", none = "dropNoPort";
  CHECK(saysWhatHappens(t, withPort(1024), there));
  CHECK(saysWhatHappens(t, withPort(1024, kTcpAck), "forwarded 10.0.0.200:5000 10.0.0.11:8080"));
  CHECK(saysWhatHappens(t, withPort(1025), there));
  CHECK(saysWhatHappens(t, withPort(1026), none));
  // The time of both is up, and nobody has removed them. Only the flow of one gets a pair, which is its own.
  t.now += ticksFromSeconds(3600);
  CHECK(saysWhatHappens(t, withPort(1026), none));
  t.now += 1;
  CHECK(saysWhatHappens(t, withPort(1025), there));
}

TEST("says that full NAT has no pair left when another service's connections to the server have them all") {
  NatDirector t(withPairs("10.0.0.200", 5000, 5001));
  const ServiceKey other{kVip, 81, 6};
  for (const ServiceKey& key : {kWeb, other}) {
    CHECK(t.apply(AddService{key, {"rr"}}).ok());
    t.addNat(11, 8080, key, fullNat());
  }
  const auto toOther = [](uint16_t port) { return PacketBuilder().ip(kClient, kVip).tcp(port, 81, kTcpSyn).build(); };
  CHECK(saysWhatHappens(t, withPort(1024), "forwarded ? 10.0.0.11:8080"));
  CHECK(saysWhatHappens(t, toOther(1024), "forwarded ? 10.0.0.11:8080"));
  CHECK(saysWhatHappens(t, withPort(1025), "dropNoPort"));
  CHECK(saysWhatHappens(t, toOther(1025), "dropNoPort"));
}

TEST("says of one-packet UDP to a server of full NAT that it is dropped, as no answer could come back") {
  NatDirector t(withPairs("10.0.0.200", 5000, 5001));
  ServiceConfig onePacket{"rr"};
  onePacket.onePacket = true;
  t.addService(onePacket, kNames);
  t.addNat(11, 5353, kNames, fullNat());
  CHECK(saysWhatHappens(t, PacketBuilder().ip(kClient, kVip).udp(1024, 53).payload(9).build(), "dropNoPort"));
}

TEST("says of an ICMP error what it becomes where it would begin a connection by full NAT, and when it can't") {
  NatDirector t(withPairs("10.0.0.200", 5000, 5000));
  t.setSysctl("schedule_icmp", 1);
  t.addService("rr");
  t.addNat(11, 8080, kWeb, fullNat());
  const auto error = [](uint16_t port) {
    Bytes quoted = PacketBuilder().ip(kVip, kClient).tcp(80, port, kTcpAck).build();
    quoted.resize(28);
    return testing::icmpPacket(IpAddress::v4(203, 0, 113, 9), kVip, 3, 1, 0, quoted);
  };
  CHECK(saysWhatHappens(t, error(1024), "relayedIcmp 203.0.113.9:0 10.0.0.11:0"));
  CHECK(saysWhatHappens(t, error(1025), "dropIcmp"));
}

TEST("says of any packet of either side what then becomes of it, and changes nothing by saying so") {
  for (uint64_t seed = 0; seed < 40 / testing::kFewer; seed++) {
    Random random(seed);
    // Full NAT has too few pairs now and then.
    const bool isFull = seed % 2 == 1;
    NatDirector t(withPairs("10.0.0.200", 5000, 5003));
    for (const ServiceKey& key : {kWeb, kNames}) {
      ServiceConfig config{"rr"};
      if (random.oneIn(3)) config.persistence.timeoutSeconds = 5;
      config.onePacket = key == kNames && random.oneIn(3);
      CHECK(t.apply(AddService{key, config}).ok());
      for (uint8_t last = 11; last < 14; last++) t.addNat(last, 8080, key, isFull ? fullNat() : t.natConfig());
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
      t.passTicks(1);
      if (random.oneIn(20)) t.pass(random.below(70));
      if (random.oneIn(30)) {
        const ServiceKey& key = random.oneIn(2) ? kWeb : kNames;
        const ServerKey changed{server, 8080};
        static_cast<void>(random.oneIn(2) ? t.apply(DeleteServer{key, changed})
                                          : t.apply(AddServer{key, changed, isFull ? fullNat() : t.natConfig()}));
      }
      const std::string first = explained(t, bytes), second = explained(t, bytes);
      const std::string happened = asSaid(first, happens(t, bytes));
      if (first == happened && second == happened) continue;
      testing::fail(__FILE__, __LINE__, "said " + first + ", then " + second + ", but " + happened + " happened");
      return;
    }
  }
}

}  // namespace
}  // namespace tunvs::explain_nat_test
