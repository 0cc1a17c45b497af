// Hostile ICMP: what it may narrow, what it may make the director say, and how it is counted.
#include "director/connection/connections.h"
#include "support/icmp_errors.h"
#include "support/random.h"
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::icmp_hostile_test {
namespace {

using testing::Bytes;
using testing::fragmentationNeeded;
using testing::kDirector;
using testing::kRouter;
using testing::PacketBuilder;
using testing::TestDirector;

const IpAddress kClient = IpAddress::v4(198, 51, 100, 7);
const IpAddress kVip = TestDirector::kWeb.address;

constexpr uint8_t kDip6[16] = {0x20, 1, 0xd, 0xb8, 9}, kRip6[16] = {0x20, 1, 0xd, 0xb8, 10};
constexpr uint8_t kRouter6[16] = {0x20, 1, 0xd, 0xb8, 11};

Bytes packetTooBig(const Bytes& quoted, uint32_t mtu) {
  const IpAddress from = IpAddress::v6(kRouter6), to = IpAddress::v6(kDip6);
  Bytes shown = quoted;
  shown.resize(std::min<size_t>(shown.size(), 1232));
  return testing::icmpPacket(from, to, 2, 0, mtu, shown);
}

Bytes longPacket(uint16_t port, size_t length) {
  return PacketBuilder().ip(kClient, kVip).tcp(1025, port, kTcpAck).payload(length - 40).dontFragment().build();
}

uint64_t verdicts(const TestDirector& t) {
  uint64_t sum = 0;
  for (const auto name : kVerdictNames) sum += t.counter(name);
  return sum;
}

TEST("an error about a server of many services is counted once, and takes one turn") {
  TestDirector t;
  constexpr uint16_t kServices = 300;
  Bytes outer;
  for (uint16_t i = 0; i < kServices; i++) {
    const ServiceKey key{kVip, static_cast<uint16_t>(1000 + i), 6};
    t.addService("rr", key);
    CHECK(t.apply(AddServer{key, {IpAddress::v4(10, 0, 0, 11), 80}, {}}).ok());
    t.send(PacketBuilder().ip(kClient, kVip).tcp(1025, key.port, kTcpSyn).build());
    if (i != 7) t.send(longPacket(key.port, 1400));
    if (!t.sent.empty() && t.sent.size() > 1000) outer = t.sent;
  }
  t.send(fragmentationNeeded(outer, 1300, 28));
  CHECK_EQ(t.counter("pathMtuLowered"), 1u);
  CHECK_EQ(t.counter("pathMtuDisbelieved"), 0u);
  size_t narrow = 0;
  for (const auto& service : t.rows()) narrow += service.servers[0].pathMtu == 1300;
  CHECK_EQ(narrow, size_t{kServices - 1});
}

TEST("reports of every size narrow an IPv4 path as far as they may") {
  for (const auto& [report, pathMtu] : {std::pair<uint16_t, uint32_t>{0, 552},
                                        {1, 1500},
                                        {67, 1500},
                                        {68, 552},
                                        {551, 552},
                                        {552, 552},
                                        {553, 553},
                                        {1279, 1279},
                                        {1280, 1280},
                                        {1419, 1419},
                                        {1420, 1500},
                                        {65535, 1500}}) {
    for (const size_t bytes : {size_t{28}, size_t{300}}) {
      TestDirector t;
      t.addService();
      t.addServer(11);
      t.tcp(1, kTcpSyn);
      CHECK_EQ(t.send(longPacket(80, 1400)), "11");
      t.send(fragmentationNeeded(t.sent, report, bytes));
      if (!CHECK_EQ(t.row(11).pathMtu, pathMtu)) std::printf("report %u\n", report);
      CHECK_EQ(t.counter("pathMtuLowered") + t.counter("pathMtuDisbelieved"), report == 1 || report == 67 ? 0u : 1u);
      CHECK_EQ(verdicts(t), t.counter("received"));
    }
  }
}

struct Six {
  TestDirector t;
  static DirectorOptions options(uint32_t pathMtu) {
    DirectorOptions options = TestDirector::defaultOptions();
    options.settings.v6 = SourceRange{IpAddress::v6(kDip6), 128};
    options.settings.pathMtu = pathMtu;
    return options;
  }
  explicit Six(uint32_t pathMtu = 1500) : t(options(pathMtu)) {
    t.addService();
    CHECK(t.apply(AddServer{TestDirector::kWeb, {IpAddress::v6(kRip6), 80}, {}}).ok());
    sent(40, kTcpSyn);
  }
  uint32_t pathMtu() const { return t.serviceRow().servers[0].pathMtu; }
  std::vector<Bytes> sent(size_t length, uint8_t flags = kTcpAck, bool df = false) {
    PacketBuilder builder;
    builder.ip(kClient, kVip).tcp(1025, 80, flags).payload(length - 40);
    if (df) builder.dontFragment();
    testing::HeldPacket held(builder.build());
    Packet packet = held.packet();
    OutputVector out;
    t.director.process(0, {&packet, 1}, t.now, out);
    std::vector<Bytes> all;
    for (size_t i = 0; i < out.count(); i++) all.emplace_back(out[i].data, out[i].data + out[i].length);
    return all;
  }
};

TEST("reports of every size narrow an IPv6 path as far as they may, of whole packets and of pieces") {
  for (const size_t length : {size_t{1400}, size_t{1500}}) {
    for (const auto& [report, pathMtu] : {std::pair<uint32_t, uint32_t>{0, 1500},
                                          {67, 1500},
                                          {1279, 1500},
                                          {1280, 1280},
                                          {1281, 1281},
                                          {1439, 1439},
                                          {1496, 1500},
                                          {1500, 1500},
                                          {65535, 1500},
                                          {65536 + 1300, 1500},
                                          {UINT32_MAX, 1500}}) {
      Six s;
      const auto pieces = s.sent(length);
      CHECK_EQ(pieces.size(), length == 1400 ? 1u : 2u);
      s.t.send(packetTooBig(pieces[0], report));
      if (!CHECK_EQ(s.pathMtu(), pathMtu)) std::printf("report %u of %zu\n", report, length);
    }
  }
}

TEST("with routes of every MTU, pieces fit and no client is told of less than 68 bytes") {
  for (const uint32_t route :
       {1u, 47u, 68u, 88u, 89u, 100u, 127u, 128u, 552u, 1280u, 1499u, 65535u, 1u << 20, UINT32_MAX}) {
    for (const size_t length : {size_t{40}, size_t{68}, size_t{576}, size_t{1280}, size_t{1400}, size_t{1480}}) {
      Six s;
      s.t.director.setRouteMtus(0, [&](const IpAddress&) { return route; });
      for (const bool df : {false, true}) {
        for (const Bytes& piece : s.sent(length, kTcpAck, df)) {
          if (piece[0] >> 4 == 4) {
            CHECK(loadBe16(&piece[26]) >= 68);
            continue;
          }
          CHECK(piece.size() <= std::min(1500u, route));
          s.t.send(packetTooBig(piece, 1280));
          if (!s.t.sent.empty() && s.t.sent[0] >> 4 == 4) {
            const uint16_t told = loadBe16(&s.t.sent[26]);
            if (!CHECK(told >= 68)) std::printf("told %u, route %u\n", told, route);
          }
        }
      }
      CHECK_EQ(verdicts(s.t), s.t.counter("received"));
    }
  }
}

TEST("a path is as wide as ever after its life, whenever the clock begins again from 0") {
  for (const int32_t start : {-1000, -150000, -140000, 0, INT32_MAX, INT32_MIN}) {
    DirectorOptions options = TestDirector::defaultOptions();
    options.now = static_cast<Tick>(start);
    TestDirector t(options);
    t.addService();
    t.addServer(11);
    t.tcp(1, kTcpSyn);
    CHECK_EQ(t.send(longPacket(80, 1400)), "11");
    t.send(fragmentationNeeded(t.sent, 1300, 28));
    for (int i = 0; i < 599; i++) {
      t.pass(1);
      CHECK_EQ(t.row(11).pathMtu, 1300u);
    }
    t.pass(2);
    CHECK_EQ(t.row(11).pathMtu, 1500u);
    t.tcp(1, kTcpSyn);
    CHECK_EQ(t.send(longPacket(80, 1400)), "11");
    t.send(fragmentationNeeded(t.sent, 1300, 28));
    CHECK_EQ(t.row(11).pathMtu, 1300u);
  }
}

TEST("a path that was narrow once is not narrow again when the clock has wrapped around") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  t.tcp(1, kTcpSyn);
  CHECK_EQ(t.send(longPacket(80, 1400)), "11");
  t.send(fragmentationNeeded(t.sent, 1300, 28));
  t.pass(700);
  CHECK_EQ(t.row(11).pathMtu, 1500u);
  for (int i = 0; i < 64; i++) t.passTicks(1u << 26);
  t.now -= 175000;
  CHECK_EQ(t.row(11).pathMtu, 1500u);
}

TEST("a path with one narrow link behind another is found by the director's own pieces, and by no others") {
  Six s;
  uint32_t known = 1500;
  Bytes older;
  for (const uint32_t mtu : {1452u, 1403u, 1398u, 1281u}) {
    const auto pieces = s.sent(1500);
    CHECK_EQ(pieces.size(), 2u);
    // These are pieces as they were before, a piece that fits the link, the last piece, and one of a packet that nobody
    // sent.
    if (!older.empty()) s.t.send(packetTooBig(older, mtu));
    s.t.send(packetTooBig(pieces[0], static_cast<uint32_t>(pieces[0].size())));
    s.t.send(packetTooBig(pieces[1], mtu));
    Bytes forged = pieces[0];
    storeBe16(&forged[48 + 2], 1501);
    s.t.send(packetTooBig(forged, mtu));
    s.t.send(packetTooBig(testing::firstOf(pieces[0], 49), mtu));
    CHECK_EQ(s.pathMtu(), known);
    s.t.send(packetTooBig(pieces[0], mtu));
    CHECK_EQ(s.pathMtu(), mtu);
    known = mtu;
    older = pieces[0];
  }
}

TEST("no error ends a connection, opens one or prolongs one, whoever sends it and whatever it quotes") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  t.establish(1);
  const auto before = t.connections();
  CHECK_EQ(before.size(), 1u);
  t.tcp(1, kTcpAck);
  const Bytes mine = t.sent;
  const Bytes reply = PacketBuilder().ip(kVip, kClient).tcp(80, 1025, kTcpAck).payload(100).build();
  const Bytes unknown = PacketBuilder().ip(kVip, kClient).tcp(80, 1026, kTcpAck).payload(100).build();
  const Bytes nested = testing::ipv4Packet(kDirector, IpAddress::v4(10, 0, 0, 11), 4, mine);
  t.pass(5);
  for (const uint8_t type : {3, 4, 5, 11, 12}) {
    for (uint8_t code = 0; code < 16; code++) {
      for (const Bytes& quoted :
           {mine, reply, unknown, nested, testing::firstOf(mine, 28), testing::firstOf(mine, 47)}) {
        for (const IpAddress& to : {kDirector, kVip})
          t.send(testing::icmpPacket(kRouter, to, type, code, 1300, quoted));
      }
    }
  }
  const auto after = t.connections();
  CHECK_EQ(after.size(), 1u);
  CHECK_EQ(after[0].state, before[0].state);
  CHECK_EQ(t.counts(11), (testing::Counts{1, 0}));
  CHECK_EQ(t.row(11).pathMtu, 1500u);
  CHECK_EQ(verdicts(t), t.counter("received"));
  t.pass(894);
  CHECK_EQ(t.connections().size(), 1u);
  t.pass(2);
  CHECK_EQ(t.connections().size(), 0u);
}

TEST("an error about packets that are cut by now can't keep a path narrow") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  t.tcp(1, kTcpSyn);
  CHECK_EQ(t.send(longPacket(80, 1400)), "11");
  const Bytes outer = t.sent;
  t.send(fragmentationNeeded(outer, 1300, 28));
  CHECK_EQ(t.row(11).pathMtu, 1300u);
  for (int i = 0; i < 20; i++) {
    t.pass(30);
    // This packet may be cut, and is cut while the path is narrow.
    testing::HeldPacket held(PacketBuilder().ip(kClient, kVip).tcp(1025, 80, kTcpSyn).payload(1400).build());
    Packet packet = held.packet();
    OutputVector out;
    t.director.process(0, {&packet, 1}, t.now, out);
    CHECK_EQ(out.count(), i < 19 ? 2u : 1u);
    if (i < 19) t.send(fragmentationNeeded(outer, 1300, 28));
  }
  CHECK_EQ(t.row(11).pathMtu, 1500u);
}

}  // namespace
}  // namespace tunvs::icmp_hostile_test
