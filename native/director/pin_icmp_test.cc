// ICMP errors about pinned flows.
#include "support/pinned_director.h"
#include "support/raw_bytes.h"

namespace tunvs::pin_icmp_test {
namespace {

using testing::Bytes;
using testing::icmpPacket;
using testing::kDirector;
using testing::kRouter;
using testing::PinnedDirector;
using testing::TestDirector;

constexpr uint16_t kPort = 40000;
constexpr uint8_t kUnreachable = 3, kHostUnreachable = 1, kPortUnreachable = 3, kNeedsFragments = 4;

// An error from `from` to the director about `quoted`.
Bytes unreachable(Bytes quoted, uint8_t code, const IpAddress& from = kRouter, size_t bytes = SIZE_MAX) {
  quoted.resize(std::min(quoted.size(), bytes));
  return icmpPacket(from, kDirector, kUnreachable, code, 0, quoted);
}

struct Setting : PinnedDirector {
  explicit Setting(ForwardingMethod method = ForwardingMethod::ipip) {
    ServerConfig config;
    config.tunnel.method = method;
    if (method == ForwardingMethod::gue) config.tunnel.port = 6080;
    editServer(12, config);
    name = pin(kPort, 12);
    CHECK_EQ(send(fromHost(kPort).build()), "pinned");
    outer = sent;
  }
  uint32_t name;
  Bytes outer;  // the check's packet, as it left
};

TEST("a router's error about a tunnel packet is in the pin's report, and reaches the check's socket") {
  for (const auto method : {ForwardingMethod::ipip, ForwardingMethod::gre, ForwardingMethod::gue}) {
    Setting t(method);
    CHECK_EQ(t.send(unreachable(t.outer, kHostUnreachable)), "recreatedIcmp");
    CHECK(t.report(t.name).error == PinError{kRouter, kUnreachable, kHostUnreachable, true});
    // The socket is told in the name of the virtual address, about its own packet.
    const Bytes& told = t.sent;
    const Bytes own = PinnedDirector::fromHost(kPort).build();
    REQUIRE(told.size() >= 28 + own.size());
    CHECK(std::equal(&told[12], &told[16], TestDirector::kWeb.address.bytes.begin()));
    CHECK(std::equal(&told[16], &told[20], kDirector.bytes.begin()));
    CHECK_EQ(int{told[20]}, int{kUnreachable});
    CHECK(std::equal(own.begin(), own.end(), told.begin() + 28));
    CHECK_EQ(t.row(12).traffic.outPackets, 0u);
  }
}

TEST("an error that quotes too little to name the flow is in the reports of all pins of its server") {
  Setting t;
  const uint32_t second = t.pin(kPort + 1, 12), silent = t.pin(kPort + 2, 12), other = t.pin(kPort + 3, 11);
  CHECK_EQ(t.check(kPort + 1), "pinned 12");
  CHECK_EQ(t.check(kPort + 3), "pinned 11");
  CHECK_EQ(t.send(unreachable(t.outer, kHostUnreachable, kRouter, 28)), "consumedIcmp");
  const PinError expected{kRouter, kUnreachable, kHostUnreachable, true};
  CHECK(t.report(t.name).error == expected);
  CHECK(t.report(second).error == expected);
  CHECK(!t.report(silent).error.has_value());
  CHECK(!t.report(other).error.has_value());
}

TEST("a short error about a server without pins is dropped, as before") {
  Setting t;
  Bytes quoted = t.outer;
  quoted[19] = 11;
  CHECK_EQ(t.send(unreachable(quoted, kHostUnreachable, kRouter, 28)), "dropIcmp");
  t.passTicks(PinnedDirector::kTtl);
  CHECK_EQ(t.send(unreachable(t.outer, kHostUnreachable, kRouter, 28)), "dropIcmp");
}

TEST("the server's own refusal, which comes straight to the host, is in the report and goes nowhere else") {
  Setting t(ForwardingMethod::dr);
  const Bytes own = PinnedDirector::fromHost(kPort).build();
  CHECK_EQ(t.send(unreachable(own, kPortUnreachable, TestDirector::kWeb.address)), "consumedIcmp");
  CHECK(t.sent.empty());
  CHECK(t.report(t.name).error == PinError{TestDirector::kWeb.address, kUnreachable, kPortUnreachable, false});
  CHECK_EQ(t.send(unreachable(PinnedDirector::fromHost(kPort + 1).build(), kPortUnreachable)), "dropIcmp");
}

TEST("what the director told the socket itself does not replace what a router said of the tunnel") {
  Setting t;
  CHECK_EQ(t.send(unreachable(t.outer, kHostUnreachable)), "recreatedIcmp");
  const Bytes told = t.sent;
  CHECK_EQ(t.send(told), "consumedIcmp");  // the host's raw socket reads it, too
  CHECK(t.report(t.name).error == PinError{kRouter, kUnreachable, kHostUnreachable, true});
}

TEST("an error is not believed if it is not about what the pin has sent") {
  struct Case {
    const char* what;
    void (*forge)(Bytes& quoted);
  };
  const Case cases[] = {
      {"another server", [](Bytes& quoted) { quoted[19] = 11; }},
      {"another source port", [](Bytes& quoted) { quoted[41] ^= 1; }},
      {"another tunnel", [](Bytes& quoted) { quoted[9] = 47; }},
  };
  for (const Case& forged : cases) {
    Setting t;
    Bytes quoted = t.outer;
    forged.forge(quoted);
    CHECK_EQ(std::string(forged.what) + ": " + t.send(unreachable(quoted, kHostUnreachable)),
             std::string(forged.what) + ": dropIcmp");
    CHECK(!t.report(t.name).error.has_value());
  }
  // Whoever forges an error does not know TCP's sequence numbers. The socket judges by itself what it is told.
  for (const uint32_t sequence : {0u, 999u, 1100u, 0xffffffffu}) {
    Setting t;
    Bytes quoted = t.outer;
    storeBe32(&quoted[44], sequence);
    CHECK_EQ(t.send(unreachable(quoted, kHostUnreachable)), "recreatedIcmp");
    CHECK(!t.report(t.name).error.has_value());
    Bytes direct(quoted.begin() + 20, quoted.end());
    CHECK_EQ(t.send(unreachable(direct, kHostUnreachable)), "consumedIcmp");
    CHECK(!t.report(t.name).error.has_value());
  }
  PinnedDirector silent;
  const uint32_t name = silent.pin(kPort, 12);
  CHECK_EQ(silent.send(unreachable(PinnedDirector::fromHost(kPort).build(), kHostUnreachable)), "consumedIcmp");
  CHECK(!silent.report(name).error.has_value());
}

TEST("an error about any packet of a TCP flow is believed, and one about a datagram needs no more than the flow") {
  Setting t;
  const Bytes first = t.outer;
  CHECK_EQ(t.check(PinnedDirector::fromHost(kPort, kTcpAck).payload(500).build()), "pinned 12");
  for (const Bytes& quoted : {first, t.sent}) {
    CHECK_EQ(t.send(unreachable(quoted, kHostUnreachable)), "recreatedIcmp");
    CHECK(t.report(t.name).error.has_value());
  }
  t.addService("rr", TestDirector::kNames);
  t.addServer(12, {}, TestDirector::kNames);
  const uint32_t name = t.pin(kPort, 12, TestDirector::kNames);
  const Bytes datagram =
      testing::PacketBuilder().ip(kDirector, TestDirector::kNames.address).udp(kPort, 53).payload(9).build();
  CHECK_EQ(t.check(datagram), "pinned 12");
  CHECK_EQ(t.send(unreachable(datagram, kPortUnreachable, TestDirector::kWeb.address)), "consumedIcmp");
  CHECK(t.report(name).error.has_value());
}

TEST("an error about a check's long packet narrows the path for all") {
  Setting t;
  CHECK_EQ(t.check(PinnedDirector::fromHost(kPort, kTcpAck).payload(1360).dontFragment().build()), "pinned 12");
  CHECK_EQ(t.send(testing::fragmentationNeeded(t.sent, 1300)), "recreatedIcmp");
  CHECK_EQ(t.row(12).pathMtu, 1300u);
  CHECK(t.report(t.name).error == PinError{kRouter, kUnreachable, kNeedsFragments, true});
}

TEST("the host's own complaint about a reply goes to the pinned server, and counts for nothing") {
  Setting t;
  const Bytes reply =
      testing::PacketBuilder().ip(TestDirector::kWeb.address, kDirector).tcp(80, kPort, kTcpSyn | kTcpAck).build();
  const Bytes complaint = icmpPacket(kDirector, TestDirector::kWeb.address, kUnreachable, kPortUnreachable, 0, reply);
  CHECK_EQ(t.send(complaint), "relayedIcmp");
  REQUIRE(t.sent.size() > 20);
  CHECK_EQ(int{t.sent[19]}, 12);
  CHECK_EQ(t.row(12).traffic.inPackets, 0u);
}

TEST("an explanation of an error about a pinned flow names the pin, and notes nothing") {
  Setting t;
  const Explanation said = t.explain(unreachable(t.outer, kHostUnreachable));
  CHECK_EQ(said.verdict, Verdict::recreatedIcmp);
  CHECK(said.by == DecidedBy::pin);
  CHECK(said.server == TestDirector::server(12));
  CHECK(!t.report(t.name).error.has_value());
}

}  // namespace
}  // namespace tunvs::pin_icmp_test
