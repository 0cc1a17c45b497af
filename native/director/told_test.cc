// How real servers of full NAT are told which client they come from, and that no client can say another.
#include "director/config/policy.h"
#include "packet/client_address.h"
#include "support/full_nat.h"

namespace tunvs::told_test {
namespace {

using testing::addressAt;
using testing::Bytes;
using testing::FullNat;
using testing::NatDirector;
using testing::PacketBuilder;
using testing::withSources;

constexpr uint32_t kIsn = FullNat::kIsn;
constexpr size_t kHeaderBytes = 28;

struct Told : FullNat {
  explicit Told(ClientTold told, const ServiceConfig& service = {"rr"}, const ServiceKey& key = kWeb)
      : FullNat(withSources({"10.0.0.200"}), told, service, key) {}
  explicit Told(const ServiceConfig& service = {"rr"}) : Told(ClientTold::proxy, service) {}

  // The header that the client of port 40000 is told by.
  static std::string header(uint16_t virtualPort = 80) {
    char text[kMaxProxyHeaderBytes];
    const FlowKey flow =
        FlowKey::make(kClient, Be16::from(40000), kWeb.address, Be16::from(virtualPort), /*protocol=*/6);
    return {text, writeProxyHeader(text, flow)};
  }
  // Whether the header has gone in front of what was sent last, which begins behind it.
  bool isHeaded() const {
    return payloadOf(sentAhead) == header(virtualPort) && loadBe32(&sentAhead[24]) == isn + 1 &&
           sequence() == isn + 1 + kHeaderBytes && isRight();
  }
  std::string shut(uint32_t acknowledged, uint8_t flags = kTcpAck) {
    const Bytes last = sent;
    std::string verdict = send(answer(acknowledged, flags));
    sent = last;
    return verdict;
  }
};

TEST("a client's packets carry its address as a TCP option until the server has answered to what it said") {
  Told t(ClientTold::toa);
  t.shakeHands(40000);
  CHECK_EQ(t.sent.size(), 40u);
  CHECK_EQ(t.send(t.says(40000, 0, 0)), "11");
  CHECK_EQ(t.sent.size(), 48u);
  const uint8_t option[] = {254, 8, 0x9c, 0x40, 198, 51, 100, 7};
  CHECK(std::equal(std::begin(option), std::end(option), t.sent.begin() + 40));
  CHECK_EQ(int{t.sent[32]} >> 4, 7);
  CHECK(t.isRight());
  CHECK_EQ(t.send(t.says(40000, 0, 101)), "11");
  CHECK(t.isRight() && t.payload().size() == 101);
  for (uint32_t i = 0; i < 8; i++) t.send(t.says(40000, 101 + i, 1));
  CHECK_EQ(t.sent.size(), 49u);
  // That it answers to the handshake again says nothing of the option.
  t.answered(kIsn + 1);
  t.send(t.says(40000, 109, 1));
  CHECK_EQ(t.sent.size(), 49u);
  t.answered(kIsn + 111);
  t.send(t.says(40000, 110, 1));
  CHECK_EQ(t.sent.size(), 41u);
  CHECK(t.isRight());
}

TEST("a client can't set the option that tells its address, however it tries") {
  Told t(ClientTold::toa);
  const auto lie = [&](size_t before, size_t options, uint8_t flags = kTcpAck) {
    Bytes packet = t.says(40000, flags == kTcpSyn ? UINT32_MAX : 0, options + 4, flags);
    packet[32] = static_cast<uint8_t>((20 + options) / 4 << 4);
    std::fill(packet.begin() + 40, packet.begin() + 40 + static_cast<ptrdiff_t>(options), uint8_t{1});
    const uint8_t option[] = {254, 8, 0, 80, 1, 2, 3, 4};
    std::copy(std::begin(option), std::end(option), packet.begin() + 40 + static_cast<ptrdiff_t>(before));
    FullNat::sealSegment(packet);
    return packet;
  };
  const auto liesAt = [&] {
    const uint8_t address[] = {1, 2, 3, 4};
    return std::search(t.sent.begin(), t.sent.end(), std::begin(address), std::end(address)) != t.sent.end();
  };
  for (int i = 0; i < 10; i++) {
    CHECK_EQ(t.send(lie(0, 8, kTcpSyn)), "11");
    CHECK(!liesAt() && t.isRight());
  }
  t.answered(kIsn + 1, kTcpSyn | kTcpAck);
  for (size_t options = 8; options <= 40; options += 4) {
    for (size_t before = 0; before + 8 <= options; before++) {
      CHECK_EQ(t.send(lie(before, options)), "11");
      CHECK(!liesAt() && t.isRight());
      CHECK_EQ(t.sent[40] == 254, options <= 32);
    }
  }
}

TEST("the client's first byte has a PROXY header in front, as often as it comes, and what follows moves") {
  Told t;
  t.shakeHands(40000);
  CHECK_EQ(t.sequence(), kIsn);
  t.send(t.says(40000, 0, 0));
  CHECK_EQ(t.sequence(), kIsn + 1);
  CHECK(t.payload().empty() && t.sentAhead.empty());
  CHECK_EQ(Told::header(), std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) +
                               std::string("\xc6\x33\x64\x07\xc0\x00\x02\x0a\x9c\x40\0\x50", 12));
  for (int time = 0; time < 2; time++) {
    CHECK_EQ(t.send(t.says(40000, 0, 10)), "11");
    CHECK(t.isHeaded() && t.payload().size() == 10);
    CHECK_EQ(t.send(t.says(40000, 10, 5)), "11");
    CHECK_EQ(t.sequence(), kIsn + 39);
    CHECK(t.payload().size() == 5 && t.sentAhead.empty() && t.isRight());
  }
  // A segment that was cut anew still begins with the first byte.
  t.send(t.says(40000, 0, 3));
  CHECK(t.isHeaded() && t.payload().size() == 3);
  // The server acknowledges all of it; the client has said 15 bytes. Of a part of the header, it has said none.
  CHECK_EQ(t.answered(kIsn + 44), kIsn + 16);
  for (uint32_t part = 1; part <= kHeaderBytes; part++) CHECK_EQ(t.answered(kIsn + 1 + part), kIsn + 1);
}

TEST("the packet that the header goes in front of may be as long as any, and end the connection") {
  Told t;
  t.shakeHands(40000);
  CHECK_EQ(t.send(t.says(40000, 0, 1460, kTcpAck | kTcpFin)), "11");
  CHECK(t.isHeaded());
  CHECK_EQ(t.sent.size(), 1500u);
  CHECK_EQ(int{t.sentAhead[33]}, kTcpAck | 0x08);
  CHECK_EQ(t.answered(kIsn + 1 + kHeaderBytes + 1461), kIsn + 1 + 1461);
}

TEST("a client can say nothing where its PROXY header stands") {
  Told t;
  CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 5, kTcpSyn)), "dropForged");  // TCP Fast Open
  CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 0, kTcpSyn)), "11");
  CHECK_EQ(t.send(t.says(40000, 0, 5)), "dropForged");  // before the server has answered
  CHECK_EQ(t.answered(kIsn + 1, kTcpSyn | kTcpAck), kIsn + 1);
  // A segment that begins before the first byte, the rest of which the server would take.
  for (const uint32_t early : {1u, 2u, 29u, 0x7fffffffu}) CHECK_EQ(t.send(t.says(40000, 0 - early, 50)), "dropForged");
  CHECK_EQ(t.send(t.says(40000, 0, 5, kTcpSyn)), "dropForged");
  CHECK_EQ(t.send(t.says(40000, 0, 5)), "11");
  CHECK(t.isHeaded() && t.payload().size() == 5);
  // Nothing that comes to stand behind it reaches to before its end.
  for (uint32_t at = 1; at < 60; at++) {
    CHECK_EQ(t.send(t.says(40000, at, 5)), "11");
    CHECK_EQ(t.sequence(), kIsn + 1 + kHeaderBytes + at);
  }
}

TEST("a client can't take a byte out of its PROXY header by an urgent mark") {
  Told t;
  t.shakeHands(40000);
  for (const size_t bytes : {size_t{0}, size_t{14}, size_t{17}}) {
    Bytes packet = t.says(40000, 0, bytes);
    packet[33] |= 0x20;
    storeBe16(&packet[38], static_cast<uint16_t>(bytes));
    FullNat::sealSegment(packet);
    CHECK_EQ(t.send(packet), "11");
    for (const Bytes& each : {t.sent, t.sentAhead}) {
      if (each.empty()) continue;
      CHECK_EQ(each[33] & 0x20, 0);
      CHECK_EQ(int{loadBe16(&each[38])}, 0);
    }
    CHECK(t.isRight());
  }
}

// A server with SYN cookies remembers no handshake, and takes the end of any: the number that it has acknowledged in
// one of them, with its own number there.
TEST("a client can't finish another handshake than the one that its PROXY header is for") {
  for (const bool isGone : {false, true}) {
    Told t;
    CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 0, kTcpSyn)), "11");
    CHECK_EQ(t.answered(kIsn + 1, kTcpSyn | kTcpAck), kIsn + 1);
    if (isGone) {  // the director has forgotten the first one, and the server can't have
      t.now += ticksFromSeconds(61);
      while (!t.director.expire(0, t.now, /*exact=*/true, SIZE_MAX)) {
      }
      CHECK_EQ(t.director.connectionCount(), 0u);
    }
    t.now += ticksFromSeconds(1);
    t.isn = kIsn - 500;
    t.serverIsn = 77777;
    CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 0, kTcpSyn)), "11");
    CHECK_EQ(t.shut(t.isn + 1, kTcpSyn | kTcpAck), "returned");
    // With what the server has said in the first handshake, nothing goes on, whatever number it has.
    for (uint32_t at = 0; at < 1000; at += 20) CHECK_EQ(t.send(t.says(40000, at, at % 40)), "dropForged");
    CHECK_EQ(t.send(t.says(40000, 0, 0, 0)), "dropForged");
    // With what it has said in the second, the header goes in front.
    t.acknowledges = 77778;
    for (const uint32_t early : {1u, 3u, 500u}) CHECK_EQ(t.send(t.says(40000, 0 - early, 0)), "dropForged");
    CHECK_EQ(t.send(t.says(40000, 0, 0)), "11");
    CHECK_EQ(t.send(t.says(40000, 0, 5)), "11");
    CHECK(t.isHeaded());
    CHECK_EQ(t.answered(t.isn + 1 + kHeaderBytes + 5, kTcpAck, 100), t.isn + 6);
    // From then on the client may acknowledge what the server has said, and nothing else.
    t.acknowledges += 100;
    CHECK_EQ(t.send(t.says(40000, 5, 5)), "11");
    t.acknowledges++;
    CHECK_EQ(t.send(t.says(40000, 5, 5)), "dropForged");
  }
}

TEST("a SYN that a later packet has overtaken is not answered, since the server may have the connection by then") {
  Told t;
  t.shakeHands(40000);
  t.isn = kIsn - 100;
  CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 0, kTcpSyn)), "11");
  t.isn = kIsn;
  CHECK_EQ(t.send(t.says(40000, 0, 0)), "11");
  t.serverIsn = 900;
  CHECK_EQ(t.shut(kIsn - 99, kTcpSyn | kTcpAck), "dropForged");
  CHECK_EQ(t.send(t.says(40000, 0, 5)), "11");
  CHECK(t.isHeaded());
}

TEST("a SYN that comes again may have another answer") {
  Told t;
  t.shakeHands(40000);
  CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 0, kTcpSyn)), "11");
  t.serverIsn = 5000;
  CHECK_EQ(t.answered(kIsn + 1, kTcpSyn | kTcpAck), kIsn + 1);
  for (const uint32_t answer : {FullNat::kServerIsn + 1, 5001u}) {
    t.acknowledges = answer;
    CHECK_EQ(t.send(t.says(40000, 0, 0)), "11");
    CHECK_EQ(t.send(t.says(40000, 0, 9)), "11");
    CHECK(t.isHeaded());
  }
}

TEST("a client port may be used again, also while its entry goes on") {
  ServiceConfig persistent{"rr"};
  persistent.persistence.timeoutSeconds = 300;
  for (const bool isPersistent : {true, false}) {
    Told t(isPersistent ? persistent : ServiceConfig{"rr"});
    if (!isPersistent) t.setSysctl("conn_reuse_mode", 0);
    for (int time = 0; time < 4; time++) {
      t.isn = kIsn + 300000 * static_cast<uint32_t>(time);
      t.serverIsn = 50000u * static_cast<uint32_t>(time + 1);
      t.acknowledges = t.serverIsn + 1;
      CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 0, kTcpSyn)), "11");
      CHECK_EQ(t.answered(t.isn + 1, kTcpSyn | kTcpAck), t.isn + 1);
      CHECK_EQ(t.send(t.says(40000, 0, 0)), "11");
      CHECK_EQ(t.send(t.says(40000, 0, 100)), "11");
      CHECK(t.isHeaded());
      CHECK_EQ(t.answered(t.isn + 1 + kHeaderBytes + 100), t.isn + 101);
      CHECK_EQ(t.send(t.says(40000, 100, 0, kTcpAck | kTcpFin)), "11");
      CHECK_EQ(t.answered(t.isn + 1 + kHeaderBytes + 101, kTcpAck | kTcpFin), t.isn + 102);
      CHECK_EQ(t.send(t.says(40000, 101, 0)), "11");
      t.now += ticksFromSeconds(1);
    }
  }
}

TEST("a client that has given up a handshake may begin another one") {
  Told t;
  t.shakeHands(40000);
  CHECK_EQ(t.send(t.says(40000, 0, 0, kTcpRst)), "11");
  t.now += ticksFromSeconds(5);
  t.isn = 777000;
  t.serverIsn = 12345;
  CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 0, kTcpSyn)), "11");
  CHECK_EQ(t.shut(777001, kTcpSyn | kTcpAck), "returned");
}

TEST("a client that ends without a word is told that its end has arrived, and can say nothing any more") {
  Told t;
  t.shakeHands(40000);
  CHECK_EQ(t.send(t.says(40000, 0, 0)), "11");
  CHECK_EQ(t.send(t.says(40000, 0, 0, kTcpAck | kTcpFin)), "11");
  CHECK_EQ(t.sequence(), kIsn + 1);
  CHECK_EQ(t.answered(kIsn + 2), kIsn + 2);
  // With its own number, this could finish a handshake.
  CHECK_EQ(t.send(t.says(40000, 1, 0)), "11");
  CHECK_EQ(t.sequence(), kIsn + 2 + 32);
  CHECK(t.isRight());
  CHECK_EQ(t.send(t.says(40000, 0, 5)), "dropForged");
  CHECK_EQ(t.send(t.says(40000, 1, 5)), "dropForged");
}

TEST("a connection that a policy opens is told like any other") {
  for (const ClientTold told : {ClientTold::proxy, ClientTold::toa}) {
    Told t(told);
    auto policy = std::make_shared<ConnectionPolicy>();
    policy->id = 1;
    CHECK(t.apply(SetPolicy{NatDirector::kWeb, {nullptr, policy}}).ok());
    CHECK_EQ(t.send(t.says(40000, UINT32_MAX, 0, kTcpSyn)), "parked");
    PolicyQuestion question;
    REQUIRE(t.director.takeQuestion(0, question));
    const PolicyAnswer answer{question.flow, question.sequence, t.rows()[0].servers[0].id, PolicyAnswer::Kind::server};
    t.director.resume(0, {&answer, 1}, t.now, t.out);
    REQUIRE(t.out.count() == 1u);
    t.toServer.assign(t.out[0].data, t.out[0].data + t.out[0].length);
    CHECK_EQ(t.answered(kIsn + 1, kTcpSyn | kTcpAck), kIsn + 1);
    CHECK_EQ(t.send(t.says(40000, 0, 0)), "11");
    CHECK_EQ(t.sent.size(), told == ClientTold::toa ? 48u : 40u);
    CHECK_EQ(t.send(t.says(40000, 0, 28)), "11");
    CHECK(told == ClientTold::toa ? t.sent.size() == 76 : t.isHeaded());
  }
}

TEST("a connection that begins in its middle is told like any other, or nothing of it goes on") {
  for (const ClientTold told : {ClientTold::proxy, ClientTold::toa}) {
    Told t(told);
    t.setSysctl("sloppy_tcp", 1);
    const std::string verdict = t.send(t.says(40000, 0, 10));
    CHECK_EQ(verdict, told == ClientTold::proxy ? "dropForged" : "11");
    if (told == ClientTold::toa) CHECK_EQ(t.sent.size(), 58u);
  }
}

TEST("a service of all ports tells its clients also at FTP's, and one of FTP's has no such servers") {
  const ServiceKey any{IpAddress::v4(192, 0, 2, 10), 0, 6};
  ServiceConfig persistent{"rr"};
  persistent.persistence.timeoutSeconds = 300;
  Told t(ClientTold::proxy, persistent, any);
  t.virtualPort = 21;
  t.shakeHands(40000);
  CHECK_EQ(t.send(t.says(40000, 0, 10)), "11");
  CHECK(t.isHeaded());
  const ServiceKey ftp{IpAddress::v4(192, 0, 2, 11), 21, 6};
  t.addService("rr", ftp);
  CHECK(!t.apply(AddServer{ftp, {FullNat::kServer, 21}, FullNat::configOf(ClientTold::proxy)}).ok());
  CHECK(t.apply(AddServer{ftp, {FullNat::kServer, 21}, FullNat::configOf()}).ok());
}

TEST("a fragment can't say what a server is to be told of its client, nor can one come back as it is") {
  for (const ClientTold told : {ClientTold::toa, ClientTold::proxy}) {
    Told t(told);
    t.shakeHands(40000);
    const auto inTwo = [](Bytes packet) {
      storeBe16(&packet[6], 0x2000);
      testing::seal(std::span(packet).first(20), 10);
      return packet;
    };
    CHECK_EQ(t.send(t.says(40000, 0, 10)), "11");
    const Bytes reply = inTwo(t.answer(kIsn + 1, kTcpAck, 64));
    CHECK_EQ(t.send(inTwo(t.says(40000, 0, 64))), "dropFragment");
    CHECK_EQ(t.send(reply), "dropFragment");
  }
}

TEST("a client is told of errors about what it sent, by its own numbers") {
  Told t;
  t.shakeHands(40000);
  const IpAddress router = IpAddress::v4(10, 0, 0, 254);
  for (const uint32_t offset : {0u, 1360u}) {
    CHECK_EQ(t.send(t.says(40000, offset, 1360)), "11");
    const Bytes quoted = testing::firstOf(t.sent, 28);
    const Bytes error = testing::icmpPacket(router, addressAt(t.sent, 12), 3, 4, 1300, quoted);
    CHECK_EQ(t.send(error), "relayedIcmp");
    CHECK_EQ(loadBe32(&t.sent[28 + 24]), kIsn + 1 + offset);
    CHECK_EQ(int{loadBe16(&t.sent[26])}, 1300);
    CHECK_EQ(int{checksum(&t.sent[20], t.sent.size() - 20).raw}, 0);
  }
}

TEST("a connection with a PROXY header goes on when its numbers have wrapped around, and gets no other header") {
  Told t;
  t.shakeHands(40000);
  t.send(t.says(40000, 0, 5));
  constexpr uint32_t kStep = 100'000'000;
  for (uint64_t said = 0; said < 10'000'000'000; said += kStep) {
    const auto at = static_cast<uint32_t>(said);
    if (said > 0 && !CHECK_EQ(t.answered(kIsn + 1 + kHeaderBytes + at), kIsn + 1 + at)) break;
    if (!CHECK_EQ(t.send(t.says(40000, at + 1, 7)), "11")) break;
    if (!CHECK_EQ(t.sequence(), kIsn + 1 + kHeaderBytes + at + 1)) break;
    if (!CHECK(t.payload().size() == 7u && t.sentAhead.empty())) break;
  }
  // The number of the first byte has come back.
  CHECK_EQ(t.send(t.says(40000, 0, 7)), "11");
  CHECK_EQ(t.sequence(), kIsn + 1 + kHeaderBytes);
  CHECK(t.payload().size() == 7u && t.sentAhead.empty());
}

TEST("a connection with a PROXY header goes on when its server's numbers have wrapped around") {
  Told t;
  t.shakeHands(40000);
  t.send(t.says(40000, 0, 5));
  constexpr uint32_t kStep = 100'000'000;
  for (uint64_t said = 0; said < 10'000'000'000; said += kStep) {
    const uint32_t at = t.serverIsn + 1 + static_cast<uint32_t>(said);
    Bytes packet = t.answer(kIsn + 1 + kHeaderBytes + 5, kTcpAck, 1000);
    storeBe32(&packet[24], at);
    if (!CHECK_EQ(t.send(packet), "returned")) break;
    t.acknowledges = at + 1000;
    if (!CHECK_EQ(t.send(t.says(40000, 5, 0)), "11")) break;
    t.acknowledges++;
    if (!CHECK_EQ(t.send(t.says(40000, 5, 0)), "dropForged")) break;
  }
}

}  // namespace
}  // namespace tunvs::told_test
