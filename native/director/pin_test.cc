// Flows that a health check has pinned to a real server.
#include "support/pinned_director.h"
#include "support/raw_bytes.h"

namespace tunvs::pin_test {
namespace {

using testing::address;
using testing::Bytes;
using testing::Counts;
using testing::HeldPacket;
using testing::kDirector;
using testing::PacketBuilder;
using testing::PinnedDirector;
using testing::TestDirector;

constexpr uint16_t kPort = 40000;
const ServiceKey kNames = TestDirector::kNames;
const ServiceKey kWeb = TestDirector::kWeb;

TEST("a pinned flow goes to its server, from SYN to RST, and other flows are scheduled") {
  PinnedDirector t;
  const uint32_t name = t.pin(kPort, 12);
  for (const uint8_t flags : {kTcpSyn, kTcpAck, kTcpAck, kTcpRst, kTcpAck})
    CHECK_EQ(t.check(kPort, flags), "pinned 12");
  const Bytes sent = t.sent;
  const Bytes inner = PinnedDirector::fromHost(kPort, kTcpAck).build();
  CHECK(Bytes(sent.begin() + 20, sent.end()) == inner);
  CHECK_EQ(t.tcp(1, kTcpSyn), "12");
  CHECK_EQ(t.tcp(2, kTcpSyn), "11");
  CHECK_EQ(t.report(name).packets, 5u);
  CHECK_EQ(t.report(name).bytes, 5u * inner.size());
  CHECK_EQ(t.counter("pinned"), 5u);
}

TEST("a pinned flow leads to its server whatever the server's state") {
  struct Case {
    const char* what;
    void (*change)(PinnedDirector& t);
  };
  const Case cases[] = {
      {"weight 0", [](PinnedDirector& t) { t.setWeight(12, 0); }},
      {"down",
       [](PinnedDirector& t) {
         CHECK(t.apply(EditServer{kWeb, TestDirector::server(12), {}, {.isUp = false}}).ok());
       }},
      {"draining",
       [](PinnedDirector& t) {
         CHECK(t.apply(EditServer{kWeb, TestDirector::server(12), {}, {.isDraining = true}}).ok());
       }},
      {"overloaded",
       [](PinnedDirector& t) {
         t.setWeight(11, 0);
         ServerConfig one;
         one.upperThreshold = 1;
         t.editServer(12, one);
         CHECK_EQ(t.tcp(1, kTcpSyn), "12");
         CHECK(t.row(12).overloaded);
       }},
      {"deleted", [](PinnedDirector& t) { t.deleteServer(12); }},
      {"deleted with its service", [](PinnedDirector& t) { CHECK(t.apply(DeleteService{kWeb}).ok()); }},
      {"deleted where expire_nodest_conn is on",
       [](PinnedDirector& t) {
         t.setSysctl("expire_nodest_conn", 1);
         t.deleteServer(12);
         while (!t.director.endRemoved()) {
         }
       }},
  };
  for (const Case& state : cases) {
    for (const bool pinnedBefore : {true, false}) {
      PinnedDirector t;
      if (pinnedBefore) t.pin(kPort, 12);
      state.change(t);
      if (!pinnedBefore) t.pin(kPort, 12);
      CHECK_EQ(std::string(state.what) + ": " + t.check(kPort), std::string(state.what) + ": pinned 12");
      CHECK_EQ(t.check(kPort, kTcpAck), "pinned 12");
    }
  }
}

TEST("a server that nobody knows can't be pinned") {
  PinnedDirector t;
  CHECK(t.tryPin(kPort, 77).error().code == ErrorCode::notFound);
  CHECK(t.tryPin(kPort, 11, kNames).error().code == ErrorCode::notFound);
  CHECK_EQ(t.director.pinCount(), 0u);
}

TEST("a removed server stays known while a flow is pinned to it") {
  PinnedDirector t;
  t.pin(kPort, 12);
  t.deleteServer(12);
  PinRequest longer = PinnedDirector::request(kPort + 1, 12);
  longer.ttl = ticksFromSeconds(600);
  CHECK(t.director.pin(longer, t.now).ok());
  for (int i = 0; i < 5; i++) t.pass(100);
  CHECK_EQ(t.check(kPort + 1), "pinned 12");
  for (int i = 0; i < 12; i++) t.pass(100);
  CHECK(t.tryPin(kPort + 2, 12).error().code == ErrorCode::notFound);
}

TEST("a pinned flow counts for no server, service, template, table or scheduler") {
  PinnedDirector t;
  ServiceConfig persistent{"rr"};
  persistent.persistence.timeoutSeconds = 100;
  CHECK(t.apply(EditService{kWeb, persistent}).ok());
  t.pin(kPort, 11);
  t.pin(kPort + 1, 12);
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(t.check(kPort, i == 0 ? kTcpSyn : kTcpAck), "pinned 11");
    CHECK_EQ(t.check(kPort + 1, i == 0 ? kTcpSyn : kTcpAck), "pinned 12");
  }
  for (const uint8_t server : {11, 12}) {
    CHECK_EQ(t.counts(server), Counts{});
    const ServerRow row = t.row(server);
    CHECK_EQ(row.persistent, 0);
    CHECK_EQ(row.traffic.connections + row.traffic.inPackets + row.traffic.inBytes, 0u);
  }
  CHECK_EQ(t.serviceRow().traffic.inPackets, 0u);
  CHECK_EQ(t.connections().size(), 0u);
  CHECK_EQ(t.director.connectionCount(), 0u);
  for (const char* counter : {"forwarded", "forwardedBytes", "connectionsCreated", "templatesCreated"})
    CHECK_EQ(t.counter(counter), 0u);
  CHECK_EQ(t.director.endConnections(kWeb, TestDirector::server(11)).value(), 0u);
  CHECK_EQ(t.check(kPort, kTcpAck), "pinned 11");
}

TEST("a pin ends at its deadline, which packets do not move, and its report stays for a minute") {
  PinnedDirector t;
  const uint32_t name = t.pin(kPort, 12);
  t.pass(4);
  CHECK_EQ(t.check(kPort), "pinned 12");
  t.passTicks(ticksFromSeconds(1) - 1);
  CHECK_EQ(t.check(kPort, kTcpAck), "pinned 12");
  t.passTicks(1);
  CHECK_EQ(t.check(kPort, kTcpAck), "dropNotScheduled");
  t.pass(50);
  CHECK_EQ(t.report(name).packets, 2u);
  t.pass(11);
  CHECK(!t.director.pinReport(name).has_value());
  CHECK_EQ(t.director.pinCount(), 0u);
}

TEST("a released pin goes on for a second, so that the reset of a check that is over still reaches its server") {
  PinnedDirector t;
  const uint32_t name = t.pin(kPort, 12);
  CHECK_EQ(t.check(kPort), "pinned 12");
  t.director.releasePin(name, t.now);
  CHECK(!t.director.pinReport(name).has_value());
  CHECK_EQ(t.check(kPort, kTcpRst), "pinned 12");
  t.pass(1);
  CHECK_EQ(t.check(kPort, kTcpRst), "dropNotScheduled");
  CHECK_EQ(t.director.pinCount(), 0u);
  t.director.releasePin(name, t.now);
}

TEST("a release does not prolong a pin") {
  PinnedDirector t;
  const uint32_t name = t.pin(kPort, 12);
  t.pass(4.5);
  t.director.releasePin(name, t.now);
  t.pass(0.5);
  CHECK_EQ(t.check(kPort), "12");
}

TEST("a flow is pinned once, and anew when its pin is released or over") {
  PinnedDirector t;
  const uint32_t first = t.pin(kPort, 12);
  CHECK(t.tryPin(kPort, 11).error().code == ErrorCode::exists);
  CHECK_EQ(t.check(kPort), "pinned 12");
  t.director.releasePin(first, t.now);
  const uint32_t second = t.pin(kPort, 11);
  CHECK(second != first);
  CHECK_EQ(t.check(kPort), "pinned 11");
  t.director.releasePin(first, t.now);  // a name of the past ends nothing
  CHECK_EQ(t.report(second).packets, 1u);
  t.passTicks(PinnedDirector::kTtl);
  t.pin(kPort, 12);
  CHECK_EQ(t.check(kPort), "pinned 12");
}

TEST("a pin takes nothing from a connection: a flow that has one is not pinned") {
  PinnedDirector t;
  CHECK_EQ(t.check(kPort), "12");
  CHECK(t.tryPin(kPort, 11).error().code == ErrorCode::exists);
  CHECK_EQ(t.check(kPort, kTcpAck), "12");
  CHECK_EQ(t.director.pinCount(), 0u);
  t.pass(1000);
  t.pin(kPort, 11);
  CHECK_EQ(t.check(kPort), "pinned 11");
}

TEST("a connection that is closed keeps its flow from being pinned only until it expires") {
  PinnedDirector t;
  for (const uint8_t flags : {kTcpSyn, kTcpAck, kTcpRst}) CHECK_EQ(t.check(kPort, flags), "12");
  CHECK(t.tryPin(kPort, 11).error().code == ErrorCode::exists);
  t.now += ticksFromSeconds(11);  // nothing has expired it yet
  t.pin(kPort, 11);
  CHECK_EQ(t.check(kPort), "pinned 11");
}

TEST("drop_packet, drop_entry and a full table leave pinned flows alone") {
  PinnedDirector t;
  t.setSysctl("drop_packet", 3);
  t.setSysctl("am_droprate", 1);
  t.setSysctl("drop_entry", 3);
  t.pin(kPort, 12);
  CHECK_EQ(t.check(kPort), "pinned 12");
  CHECK_EQ(t.tcp(1, kTcpSyn), "dropDefence");
  t.setSysctl("drop_packet", 0);
  t.setSysctl("drop_entry", 0);
  for (uint32_t client = 0; client < 3 * ConnTable::kMinCapacity; client++) {
    if (client == ConnTable::kMinCapacity) t.now += ticksFromSeconds(4);
    t.tcp(client, kTcpSyn);
  }
  CHECK(t.counter("connectionsEvicted") > 0);
  CHECK_EQ(t.check(kPort, kTcpAck), "pinned 12");
}

TEST("a pinned flow goes by its server's own forwarding method, as it is now") {
  for (const auto method :
       {ForwardingMethod::ipip, ForwardingMethod::gre, ForwardingMethod::gue, ForwardingMethod::dr}) {
    PinnedDirector t;
    t.pin(kPort, 12);
    ServerConfig config;
    config.tunnel.method = method;
    if (method == ForwardingMethod::gue) config.tunnel.port = 6080;
    t.editServer(12, config);
    t.setWeight(11, 0);
    const Bytes packet = PinnedDirector::fromHost(kPort).build();
    HeldPacket held(packet);
    Packet in = held.packet();
    OutputVector out;
    Verdict verdict{};
    t.director.process(0, {&in, 1}, t.now, out, &verdict);
    CHECK_EQ(verdict, Verdict::pinned);
    REQUIRE(out.count() == 1);
    CHECK_EQ(toString(out[0].nextHop), "10.0.0.12");
    const Bytes pinned(out[0].data, out[0].data + out[0].length);
    // A client's packet is sent in the same way, but for the number of its outer header and GUE's source port.
    CHECK_EQ(t.tcp(7, kTcpSyn), "12");
    CHECK_EQ(t.sent.size(), pinned.size());
    if (method != ForwardingMethod::dr) CHECK_EQ(int{t.sent[9]}, int{pinned[9]});
  }
}

TEST("a flow is pinned to the host itself, too") {
  PinnedDirector t;
  ServerConfig local;
  local.tunnel.method = ForwardingMethod::local;
  t.addServer(1, local);
  t.pin(kPort, 1);
  const Bytes packet = PinnedDirector::fromHost(kPort).build();
  HeldPacket held(packet);
  Packet in = held.packet();
  OutputVector out;
  Verdict verdict{};
  t.director.process(0, {&in, 1}, t.now, out, &verdict);
  CHECK_EQ(verdict, Verdict::pinned);
  REQUIRE(out.count() == 1);
  CHECK(out.way(0) == OutputWay::host);
  CHECK(Bytes(out[0].data, out[0].data + out[0].length) == packet);
}

TEST("flows of IPv4 and IPv6 are pinned to servers of either family") {
  const IpAddress hosts[] = {kDirector, address("2001:db8::1")};
  const IpAddress virtuals[] = {kWeb.address, address("2001:db8::a")};
  const IpAddress servers[] = {IpAddress::v4(10, 0, 0, 12), address("2001:db8:1::12")};
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.v6 = SourceRange{hosts[1], 128};
  for (size_t inner = 0; inner < 2; inner++) {
    for (size_t outer = 0; outer < 2; outer++) {
      TestDirector t(options);
      const ServiceKey service{virtuals[inner], 80, 6};
      t.addService("rr", service);
      CHECK(t.apply(AddServer{service, {servers[outer], 80}, {}, {.isUp = false}}).ok());
      const FlowKey flow =
          FlowKey::make(hosts[inner], Be16::from(kPort), virtuals[inner], Be16::from(80), kTcpProtocol);
      CHECK(t.director.pin({flow, service, {servers[outer], 80}, 100}, t.now).ok());
      const Bytes packet = inner == 0 ? PinnedDirector::fromHost(kPort).build()
                                      : testing::ipv6Tcp(hosts[1], virtuals[1], kPort, 80, kTcpSyn);
      CHECK_EQ(t.send(packet), "pinned");
      CHECK_EQ(t.sent[0] >> 4, outer == 0 ? 4 : 6);
      CHECK_EQ(t.sent.size(), packet.size() + (outer == 0 ? 20 : 40));
    }
  }
}

TEST("UDP and SCTP flows are pinned as TCP's are") {
  PinnedDirector t;
  const ServiceKey sctp{kWeb.address, 80, 132};
  t.addService("rr", kNames);
  t.addServer(12, {}, kNames);
  t.addService("rr", sctp);
  t.addServer(11, {}, sctp);
  t.pin(kPort, 12, kNames);
  t.pin(kPort, 11, sctp);
  const auto host = [] { return PacketBuilder().ip(kDirector, kWeb.address); };
  CHECK_EQ(t.check(host().udp(kPort, 53).payload(9).build()), "pinned 12");
  CHECK_EQ(t.check(host().sctp(kPort, 80, 1).build()), "pinned 11");
  CHECK_EQ(t.check(kPort), "12");  // TCP's flow of the same ports is not pinned
}

TEST("a datagram in pieces goes where it is pinned, in whatever order they come") {
  PinnedDirector t;
  t.addService("rr", kNames);
  t.addServer(11, {}, kNames);
  t.addServer(12, {}, kNames);
  const uint32_t name = t.pin(kPort, 12, kNames);
  const auto piece = [](uint16_t id, bool isFirst) {
    PacketBuilder made = PacketBuilder().ip(kDirector, kNames.address).identification(id);
    return isFirst ? made.moreFragments().udp(kPort, 53).payload(72).build()
                   : made.fragmentOffset(80).protocol(IpProtocol::udp).payload(40).build();
  };
  CHECK_EQ(t.check(piece(1, true)), "pinned 12");
  CHECK_EQ(t.check(piece(1, false)), "pinned 12");
  CHECK_EQ(t.check(piece(2, false)), "waitingFragment");
  CHECK_EQ(t.check(piece(2, true)), "pinned 12");
  CHECK_EQ(t.counter("fragmentsReleased"), 1u);
  CHECK_EQ(t.report(name).packets, 4u);
  CHECK_EQ(t.check(piece(3, true)), "pinned 12");
  t.passTicks(PinnedDirector::kTtl);
  CHECK_EQ(t.check(piece(3, false)), "dropServerGone");
  CHECK_EQ(t.row(12, kNames).traffic.inPackets + t.row(12, kNames).traffic.fragments, 0u);
}

TEST("what is not forwarded is in the pin's report, by its verdict, and in no server's statistics") {
  PinnedDirector t;
  const uint32_t name = t.pin(kPort, 12);
  CHECK_EQ(t.check(PinnedDirector::fromHost(kPort, kTcpAck).payload(1460).dontFragment().build()), "answeredTooBig");
  CHECK_EQ(t.check(PinnedDirector::fromHost(kPort, kTcpAck).payload(1460).build()), "pinned 12");
  const PinReport report = t.report(name);
  CHECK_EQ(report.kept[static_cast<size_t>(Verdict::answeredTooBig)], 1u);
  CHECK_EQ(report.packets, 1u);
  CHECK_EQ(t.row(12).traffic.tooBig + t.row(12).traffic.fragments, 0u);
  CHECK_EQ(t.counter("fragmentsSent"), 2u);
}

TEST("a pin with a hop limit takes only what no router has forwarded, and opens nothing for the rest") {
  PinnedDirector t;
  PinRequest own = PinnedDirector::request(kPort, 12);
  own.hopLimit = 255;
  const uint32_t name = t.director.pin(own, t.now).value();
  for (const uint8_t ttl : {1, 64, 254}) {
    CHECK_EQ(t.check(PinnedDirector::fromHost(kPort).ttl(ttl).build()), "dropBadSource");
    CHECK_EQ(t.sent.size(), 0u);
  }
  CHECK_EQ(t.check(PinnedDirector::fromHost(kPort).ttl(255).build()), "pinned 12");
  CHECK_EQ(t.report(name).kept[static_cast<size_t>(Verdict::dropBadSource)], 3u);
  CHECK_EQ(t.report(name).packets, 1u);
  CHECK_EQ(t.director.connectionCount(), 0u);
}

TEST("a pin follows a server that is deleted and comes back") {
  PinnedDirector t;
  t.pin(kPort, 12);
  t.deleteServer(12);
  CHECK_EQ(t.check(kPort), "pinned 12");
  t.addServer(12);
  CHECK_EQ(t.check(kPort), "pinned 12");
  CHECK_EQ(t.counts(12), Counts{});
}

TEST("an explanation names the pin, and changes nothing of it") {
  PinnedDirector t;
  const uint32_t name = t.pin(kPort, 12);
  t.setWeight(12, 0);
  const Explanation said = t.explain(PinnedDirector::fromHost(kPort).build());
  CHECK_EQ(said.verdict, Verdict::pinned);
  CHECK(said.by == DecidedBy::pin);
  CHECK(said.server == TestDirector::server(12));
  CHECK(!said.service.has_value());
  CHECK(t.explain(PinnedDirector::fromHost(kPort + 1).build()).by == DecidedBy::scheduler);
  const Bytes tooLong = PinnedDirector::fromHost(kPort).payload(1460).dontFragment().build();
  CHECK_EQ(t.explain(tooLong).verdict, Verdict::answeredTooBig);
  CHECK(t.report(name).kept == PinReport{}.kept);
  CHECK_EQ(t.report(name).packets, 0u);
}

}  // namespace
}  // namespace tunvs::pin_test
