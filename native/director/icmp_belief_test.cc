// Which ICMP errors about tunnel packets are believed: an error can come from anybody.
#include "support/icmp_errors.h"
#include "support/raw_bytes.h"
#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::icmp_belief_test {
namespace {

using testing::Bytes;
using testing::fragmentationNeeded;
using testing::kDirector;
using testing::kRouter;
using testing::PacketBuilder;
using testing::TestDirector;

constexpr uint16_t kGuePort = 6080;

ServerConfig by(ForwardingMethod method) {
  ServerConfig config;
  config.tunnel.method = method;
  if (method == ForwardingMethod::gue) config.tunnel.port = kGuePort;
  return config;
}

// A connection to server 11 over which packets with DF of these lengths went.
struct Setting {
  TestDirector t;
  Bytes outer;  // the last of them, as it left

  explicit Setting(ForwardingMethod method = ForwardingMethod::ipip, size_t length = 1400,
                   const DirectorOptions& options = TestDirector::defaultOptions())
      : t(options) {
    t.addService();
    t.addServer(11, by(method));
    CHECK_EQ(t.tcp(1, kTcpSyn), "11");
    sendLong(length);
  }
  std::string sendLong(size_t length) {
    const std::string went = t.send(PacketBuilder()
                                        .ip(IpAddress::v4(198, 51, 100, 7), TestDirector::kWeb.address)
                                        .tcp(1025, 80, kTcpAck)
                                        .payload(length - 40)
                                        .dontFragment()
                                        .build());
    if (went == "11") outer = t.sent;
    return went;
  }
  uint32_t pathMtu() const { return t.row(11).pathMtu; }
};

TEST("an error that quotes no more than 8 bytes behind the outer header narrows the path, whatever the tunnel") {
  for (const auto method : {ForwardingMethod::ipip, ForwardingMethod::gre, ForwardingMethod::gue}) {
    Setting s(method);
    CHECK_EQ(s.t.send(fragmentationNeeded(s.outer, 1300, 28)), "consumedIcmp");
    CHECK_EQ(s.pathMtu(), 1300u);
    CHECK_EQ(s.sendLong(1400), "answeredTooBig");
    CHECK_EQ(s.t.counter("pathMtuLowered"), 1u);
    CHECK_EQ(s.t.counter("pathMtuDisbelieved"), 0u);
  }
}

TEST("a forged error is not believed if any part of it does not fit what this director sends") {
  for (const size_t quotedBytes : {size_t{28}, size_t{200}}) {
    for (const auto method : {ForwardingMethod::ipip, ForwardingMethod::gue}) {
      struct Case {
        const char* what;
        void (*forge)(Bytes& quoted);
      };
      const Case cases[] = {
          {"DF is clear", [](Bytes& quoted) { quoted[6] &= 0xbf; }},
          {"it is from elsewhere", [](Bytes& quoted) { quoted[15] = 77; }},
          {"it is to a server that is none", [](Bytes& quoted) { quoted[19] = 77; }},
          {"it is not longer than the MTU", [](Bytes& quoted) { storeBe16(&quoted[2], 1300); }},
          {"it is longer than any that leaves here", [](Bytes& quoted) { storeBe16(&quoted[2], 1501); }},
          {"it is longer than any that was sent", [](Bytes& quoted) { storeBe16(&quoted[2], 1490); }},
          {"it is by another tunnel", [](Bytes& quoted) { quoted[9] = quoted[9] == 4 ? 47 : 4; }},
      };
      for (const Case& forged : cases) {
        Setting s(method);
        Bytes quoted = s.outer;
        forged.forge(quoted);
        s.t.send(fragmentationNeeded(quoted, 1300, quotedBytes));
        if (!CHECK_EQ(s.pathMtu(), 1500u)) std::printf("though %s\n", forged.what);
      }
    }
  }
}

TEST("GUE's ports must be those that this director uses") {
  for (const auto& [at, port] : {std::pair<size_t, uint16_t>{20, 32767}, {20, 61000}, {22, 6081}}) {
    Setting s(ForwardingMethod::gue);
    Bytes quoted = s.outer;
    storeBe16(&quoted[at], port);
    s.t.send(fragmentationNeeded(quoted, 1300, 28));
    CHECK_EQ(s.pathMtu(), 1500u);
  }
}

TEST("an error about a length that was not sent lately is not believed until such a packet is sent again") {
  Setting s;
  const Bytes quoted = s.outer;
  s.t.pass(25);
  s.sendLong(500);
  CHECK_EQ(s.pathMtu(), 1500u);
  for (int i = 0; i < 4; i++) s.t.pass(31);
  s.t.send(fragmentationNeeded(quoted, 1300, 28));
  CHECK_EQ(s.pathMtu(), 1500u);
  CHECK_EQ(s.t.counter("pathMtuDisbelieved"), 1u);
  s.t.tcp(1, kTcpSyn);
  CHECK_EQ(s.sendLong(1400), "11");
  s.t.send(fragmentationNeeded(quoted, 1300, 28));
  CHECK_EQ(s.pathMtu(), 1300u);
}

TEST("one error can't keep a path narrow by being repeated again and again") {
  Setting s;
  s.t.send(fragmentationNeeded(s.outer, 600, 28));
  CHECK_EQ(s.pathMtu(), 600u);
  for (int i = 0; i < 10; i++) {
    s.t.pass(60);
    s.t.send(fragmentationNeeded(s.outer, 600, 28));
  }
  s.t.pass(1);
  CHECK_EQ(s.pathMtu(), 1500u);
}

TEST("no error narrows a path to less than the floor, and with a floor at the path MTU none is believed") {
  for (const auto& [floor, pathMtu] : {std::pair<uint16_t, uint32_t>{552, 552}, {1280, 1280}, {1500, 1500}}) {
    DirectorOptions options = TestDirector::defaultOptions();
    options.settings.pathMtuFloor = floor;
    Setting s(ForwardingMethod::ipip, 1400, options);
    s.t.send(fragmentationNeeded(s.outer, 68, 28));
    CHECK_EQ(s.pathMtu(), pathMtu);
  }
}

TEST("paths are narrowed at a limited rate, each server's and all together") {
  Setting s;
  for (uint16_t mtu = 1390; mtu > 1300; mtu = static_cast<uint16_t>(mtu - 10)) {
    s.sendLong(mtu - 25u);
    s.t.send(fragmentationNeeded(s.outer, static_cast<uint16_t>(mtu - 10), 28));
  }
  CHECK_EQ(s.t.counter("pathMtuLowered"), uint64_t{kMtuLowerings});
  CHECK(s.t.counter("pathMtuDisbelieved") > 0);
}

TEST("errors that narrow nothing use up nobody's turn") {
  Setting s;
  s.t.addServer(12);
  CHECK_EQ(s.t.tcp(2, kTcpSyn), "12");
  const auto toTwelve = [&] {
    return s.t.send(PacketBuilder()
                        .ip(IpAddress::v4(198, 51, 100, 7), TestDirector::kWeb.address)
                        .tcp(1026, 80, kTcpAck)
                        .payload(1360)
                        .dontFragment()
                        .build());
  };
  for (int i = 0; i < 300; i++) s.t.send(fragmentationNeeded(s.outer, 20));
  for (int i = 0; i < 300; i++) {
    s.sendLong(1400);
    s.t.send(fragmentationNeeded(s.outer, static_cast<uint16_t>(1390 - i)));
  }
  CHECK_EQ(toTwelve(), "12");
  s.t.send(fragmentationNeeded(s.t.sent, 1300));
  CHECK_EQ(s.t.row(12).pathMtu, 1300u);
}

constexpr uint8_t kDip6[16] = {0x20, 1, 0xd, 0xb8, 9}, kRip6[16] = {0x20, 1, 0xd, 0xb8, 10};
constexpr uint8_t kRouter6[16] = {0x20, 1, 0xd, 0xb8, 11};

Bytes packetTooBig(const Bytes& quoted, uint32_t mtu) {
  const IpAddress from = IpAddress::v6(kRouter6), to = IpAddress::v6(kDip6);
  Bytes shown = quoted;
  shown.resize(std::min<size_t>(shown.size(), 1232));
  return testing::icmpPacket(from, to, 2, 0, mtu, shown);
}

TEST("a path that is too narrow for the director's own IPv6 fragments is found") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.v6 = SourceRange{IpAddress::v6(kDip6), 128};
  TestDirector t(options);
  t.addService();
  CHECK(t.apply(AddServer{TestDirector::kWeb, {IpAddress::v6(kRip6), 80}, {}}).ok());
  const auto pathMtu = [&] { return t.serviceRow().servers[0].pathMtu; };
  const auto sent = [&](size_t length) {
    testing::HeldPacket held(PacketBuilder()
                                 .ip(IpAddress::v4(198, 51, 100, 7), TestDirector::kWeb.address)
                                 .tcp(1025, 80, kTcpSyn)
                                 .payload(length - 40)
                                 .build());
    Packet packet = held.packet();
    OutputVector out;
    t.director.process(0, {&packet, 1}, t.now, out);
    std::vector<Bytes> all;
    for (size_t i = 0; i < out.count(); i++) all.emplace_back(out[i].data, out[i].data + out[i].length);
    return all;
  };
  const auto pieces = sent(1500);
  CHECK_EQ(pieces.size(), 2u);
  // These are not the director's: of another length than it makes, of a packet that it would not have cut, longer than
  // any.
  Bytes forged = pieces[0];
  storeBe16(&forged[4], static_cast<uint16_t>(loadBe16(&forged[4]) - 8));
  t.send(packetTooBig(forged, 1400));
  forged = pieces[0];
  storeBe16(&forged[48 + 2], 1400);
  t.send(packetTooBig(forged, 1400));
  forged = pieces[0];
  storeBe16(&forged[48 + 2], 1501);
  t.send(packetTooBig(forged, 1400));
  CHECK_EQ(pathMtu(), 1500u);

  t.send(packetTooBig(pieces[0], 1400));
  CHECK_EQ(pathMtu(), 1400u);
  for (const Bytes& piece : sent(1500)) CHECK(piece.size() <= 1400);
}

TEST("clients are told of a narrow route at once, and it is forgotten as soon as it is wide again") {
  Setting s;
  const auto routes = [&](uint32_t bytes) { s.t.director.setRouteMtus(0, [&](const IpAddress&) { return bytes; }); };
  routes(1400);
  CHECK_EQ(s.pathMtu(), 1400u);
  CHECK_EQ(s.sendLong(1400), "answeredTooBig");
  CHECK_EQ(s.sendLong(1380), "11");
  s.t.send(fragmentationNeeded(s.outer, 1300, 28));
  CHECK_EQ(s.pathMtu(), 1300u);
  routes(1200);
  CHECK_EQ(s.pathMtu(), 1200u);
  routes(9000);
  CHECK_EQ(s.pathMtu(), 1300u);
  s.t.pass(601);
  CHECK_EQ(s.pathMtu(), 1500u);
  routes(1400);
  routes(0);
  CHECK_EQ(s.pathMtu(), 1500u);
}

TEST("the director's own answers are marked as such, and what it forwards is not") {
  Setting s;
  const auto isAnswer = [&](const Bytes& bytes) {
    testing::HeldPacket held(bytes);
    Packet packet = held.packet();
    OutputVector out;
    s.t.director.process(0, {&packet, 1}, s.t.now, out);
    return out.count() == 1 && out.way(0) == OutputWay::client;
  };
  const auto packet = [] { return PacketBuilder().ip(IpAddress::v4(198, 51, 100, 9), TestDirector::kWeb.address); };
  CHECK(isAnswer(packet().tcp(1025, 81, kTcpSyn).build()));
  CHECK(isAnswer(packet().udp(1025, 81).payload(9).build()));
  CHECK(isAnswer(packet().tcp(1025, 80, kTcpSyn).payload(1450).dontFragment().build()));
  CHECK(!isAnswer(packet().tcp(1025, 80, kTcpSyn).build()));
}

}  // namespace
}  // namespace tunvs::icmp_belief_test
