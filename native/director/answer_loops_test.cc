// The director's own answers can't be made to loop, to multiply, or to grow.
#include "support/random.h"
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::answer_loops_test {
namespace {

using testing::Bytes;
using testing::PacketBuilder;
using testing::seal;
using testing::operator+;
using testing::TestDirector;

const IpAddress kVip = TestDirector::kWeb.address, kOtherVip = IpAddress::v4(192, 0, 2, 11);
const IpAddress kDirector = IpAddress::v4(10, 0, 0, 1), kServer = IpAddress::v4(10, 0, 0, 11);

IpAddress six(std::string_view text) { return testing::address(text); }

const IpAddress kClient6 = six("2001:db8:5::1"), kVip6 = six("2001:db8::a");

// A director that answers everything below.
struct World {
  TestDirector t;
  size_t recreated = 0;  // errors that were passed on to clients
  static DirectorOptions options() {
    DirectorOptions options = TestDirector::defaultOptions();
    options.settings.v6 = SourceRange{six("2001:db8:9::1"), 128};
    return options;
  }
  World() : t(options()) {
    for (const auto& key : {TestDirector::kWeb, ServiceKey{kOtherVip, 80, 6}, ServiceKey{six("2001:db8::a"), 80, 6}}) {
      t.addService("rr", key);
      CHECK(t.apply(AddServer{key, {kServer, 80}, {}}).ok());
    }
    const ServiceKey empty{kVip, 443, 6};
    t.addService("rr", empty);
  }
  void connect(const IpAddress& source) {
    t.send(testing::ipv6Tcp(kClient6, kVip6, 1025, 80, kTcpSyn));
    if (source.isV4()) {
      t.send(PacketBuilder().ip(source, kVip).tcp(1025, 80, kTcpSyn).build());
    } else {
      t.send(testing::ipv6Tcp(source, six("2001:db8::a"), 1025, 80, kTcpSyn));
    }
  }
  // Returns the answers to one packet.
  std::vector<Bytes> answers(const Bytes& bytes) {
    testing::HeldPacket held(bytes);
    Packet packet = held.packet();
    ParsedPacket parsed;
    parsePacket(packet, parsed);
    const Verdict foreseen = t.director.explain(parsed, t.now).verdict;
    OutputVector out;
    Verdict verdict{};
    t.director.process(0, {&packet, 1}, t.now, out, &verdict);
    recreated += verdict == Verdict::recreatedIcmp;
    // explain() foresees an answer even where a rate limit holds it back.
    if (parsed.error == ParseError::none && parsed.packetClass == PacketClass::icmp &&
        t.counter("answersSuppressed") == 0)
      CHECK_EQ(kVerdictNames[static_cast<size_t>(foreseen)], kVerdictNames[static_cast<size_t>(verdict)]);
    std::vector<Bytes> all;
    for (size_t i = 0; i < out.count(); i++) {
      if (out.way(i) == OutputWay::client) all.emplace_back(out[i].data, out[i].data + out[i].length);
    }
    return all;
  }
};

IpAddress destinationOf(const Bytes& packet) {
  return packet[0] >> 4 == 4 ? testing::addressAt(packet, 16) : IpAddress::v6(&packet[24]);
}
IpAddress sourceOf(const Bytes& packet) {
  return packet[0] >> 4 == 4 ? testing::addressAt(packet, 12) : IpAddress::v6(&packet[8]);
}

// Corrects the checksums of a packet if it is ICMP or has none but the header's.
void reseal(Bytes& p) {
  const std::span<uint8_t> all(p);
  if (p.size() >= 20 && p[0] == 0x45) {
    seal(all.first(20), 10);
    if (p[9] == 1 && p.size() >= 28) seal(all.subspan(20), 2);
  } else if (p.size() >= 48 && p[0] >> 4 == 6 && p[6] == 58) {
    seal(all.subspan(40), 2, pseudoHeaderSum(sourceOf(p), destinationOf(p), 58, static_cast<uint32_t>(p.size() - 40)));
  }
}

std::vector<Bytes> packetsFrom(const IpAddress& source) {
  std::vector<Bytes> all;
  if (source.isV4()) {
    for (const IpAddress& vip : {kVip, kOtherVip, kDirector, kServer, IpAddress::v4(192, 0, 2, 255)}) {
      const auto to = [&] { return PacketBuilder().ip(source, vip); };
      for (const uint16_t port : {80, 81, 443}) {
        for (const uint8_t flags : {kTcpSyn, kTcpAck, kTcpRst, static_cast<uint8_t>(kTcpSyn | kTcpAck)})
          all.push_back(to().tcp(1025, port, flags).build());
        all.push_back(to().tcp(1025, port, kTcpSyn).payload(1450).dontFragment().build());
      }
      all.push_back(to().udp(1025, 81).payload(9).build());
      all.push_back(to().udp(53, 53).payload(0).build());
      for (const uint8_t protocol : {0, 2, 4, 41, 47, 50, 58, 99, 132, 255})
        all.push_back(to().protocol(static_cast<IpProtocol>(protocol)).payload(20).build());
      const Bytes inner = PacketBuilder().ip(vip, source).tcp(80, 1025, kTcpAck).payload(100).build();
      // This packet belongs to the connection that World::connect() begins.
      const Bytes mine = PacketBuilder().ip(source, kVip).tcp(1025, 80, kTcpAck).payload(100).dontFragment().build();
      const Bytes outer = testing::ipv4Packet(kDirector, kServer, 4, mine);
      const Bytes sixInFour =
          testing::ipv4Packet(kDirector, kServer, 41, testing::ipv6Tcp(kClient6, kVip6, 1025, 80, kTcpAck));
      const Bytes nested = testing::ipv4Packet(kDirector, kServer, 4, outer);
      for (const uint8_t type : {0, 3, 4, 5, 8, 11, 12, 13, 15, 17, 18, 40, 255}) {
        for (const uint8_t code : {0, 2, 3, 4, 13}) {
          for (const Bytes& body : {Bytes(12), inner, mine, outer, sixInFour, nested, testing::firstOf(outer, 28)})
            all.push_back(testing::icmpPacket(source, vip, type, code, 1300, body));
        }
      }
    }
    return all;
  }
  for (const IpAddress& vip : {six("2001:db8::a"), six("2001:db8:9::1"), six("ff02::1")}) {
    for (const uint16_t port : {80, 81}) all.push_back(testing::ipv6Tcp(source, vip, 1025, port, kTcpSyn));
    for (const uint8_t next : {0, 4, 41, 43, 44, 47, 50, 51, 59, 60, 99, 135, 255})
      all.push_back(testing::ipv6Packet(source, vip, next, Bytes(24)));
    // Options or a fragment header stand in front of an error.
    const Bytes quote = testing::ipv6Tcp(vip, source, 80, 1025, kTcpAck);
    const Bytes mine = testing::ipv6Tcp(source, vip, 1025, 80, kTcpAck);
    const Bytes outer4 = testing::ipv4Packet(kDirector, kServer, 41, mine);
    for (const uint8_t type : {0, 1, 2, 3, 4, 100, 127, 128, 129, 133, 135, 137, 200}) {
      for (const Bytes& body : {Bytes(12), quote, mine, outer4, testing::firstOf(mine, 41)}) {
        const Bytes message = testing::icmpMessage(source, vip, type, 0, 1280, body);
        all.push_back(testing::ipv6Packet(source, vip, 58, message));
        all.push_back(testing::ipv6Packet(source, vip, 60, Bytes{58, 0, 1, 4, 0, 0, 0, 0} + message));
        all.push_back(testing::ipv6Packet(source, vip, 44, Bytes{58, 0, 0, 0, 0, 0, 0, 1} + message));
        all.push_back(testing::ipv6Packet(source, vip, 44, Bytes{58, 0, 0xff, 0xf9, 0, 0, 0, 1} + message));
        all.push_back(testing::ipv6Packet(source, vip, 44,
                                          Bytes{60, 0, 0, 1, 0, 0, 0, 1} + Bytes{58, 0, 1, 4, 0, 0, 0, 0} + message));
      }
    }
  }
  return all;
}

bool isError(const Bytes& p) {
  if (p[0] >> 4 == 6) return p[6] == 58 && p[40] < 128;
  return p[9] == 1 && (p[20] == 3 || p[20] == 4 || p[20] == 5 || p[20] == 11 || p[20] == 12);
}

void check(World& w, const Bytes& cause, size_t& answered) {
  const auto first = w.answers(cause);
  CHECK(first.size() <= 1);
  for (const Bytes& answer : first) {
    answered++;
    CHECK(isUnicast(destinationOf(answer)));
    CHECK(isUnicast(sourceOf(answer)));
    CHECK(sourceOf(answer) != destinationOf(answer));
    const bool isAboutError = isError(cause);
    const size_t more = isAboutError ? 0 : !isError(answer) ? 0 : answer[0] >> 4 == 4 ? 28 : 48;
    if (!CHECK(answer.size() <= cause.size() + more)) std::printf("%zu for %zu\n", answer.size(), cause.size());
    if (!isAboutError) CHECK(destinationOf(answer) == sourceOf(cause));
    // The answer comes back when its destination is an address of the director's, or when it is reflected.
    CHECK_EQ(w.answers(answer).size(), 0u);
  }
}

TEST("no answer is answered, goes to many, or is longer than an error about what it answers") {
  size_t answered = 0, recreated = 0;
  for (const char* source : {"198.51.100.7", "192.0.2.10", "192.0.2.11", "10.0.0.1", "10.0.0.11", "0.0.0.0", "0.1.2.3",
                             "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "2001:db8:5::1", "2001:db8::a",
                             "2001:db8:9::1", "::", "::1", "ff02::1", "fe80::1", "::ffff:127.0.0.1"}) {
    World w;
    for (const Bytes& cause : packetsFrom(six(source))) {
      w.connect(six(source));
      check(w, cause, answered);
    }
    recreated += w.recreated;
    CHECK_EQ(
        [&] {
          uint64_t sum = 0;
          for (const auto name : kVerdictNames) sum += w.t.counter(name);
          return sum;
        }(),
        w.t.counter("received"));
  }
  CHECK(answered > 100);
  CHECK(recreated > 50);
}

TEST("no such answer comes when bits of what is answered are flipped either") {
  size_t answered = 0;
  World w;
  testing::Random random(1);
  for (const char* source : {"198.51.100.7", "192.0.2.11", "10.0.0.1", "2001:db8:5::1"}) {
    for (const Bytes& base : packetsFrom(six(source))) {
      w.connect(six(source));
      for (int i = 0; i < 30; i++) {
        Bytes cause = base;
        const uint32_t turns = 1 + random.below(3);
        for (uint32_t n = 0; n < turns; n++) {
          const uint32_t at = random.below(static_cast<uint32_t>(cause.size()));
          cause[at] ^= static_cast<uint8_t>(1u << random.below(8));
        }
        reseal(cause);
        if (random.oneIn(64)) w.t.pass(0.5);
        check(w, cause, answered);
      }
    }
  }
  CHECK(answered > 1000);
  CHECK(w.recreated > 100);
}

}  // namespace
}  // namespace tunvs::answer_loops_test
