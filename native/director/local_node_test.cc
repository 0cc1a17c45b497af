#include "support/test_director.h"
#include "support/testing.h"

namespace tunvs::local_node_test {
namespace {

using testing::Bytes;
using testing::HeldPacket;
using testing::PacketBuilder;
using testing::TestDirector;

constexpr TunnelOptions kLocal{.method = ForwardingMethod::local};
const ServerConfig kLocalServer{.tunnel = kLocal};

PacketBuilder fromClient() { return PacketBuilder().ip("198.51.100.7", "192.0.2.10").ttl(1).tos(3); }

PacketBuilder syn(uint16_t port) { return fromClient().tcp(port, 80, kTcpSyn); }

struct Handled {
  Verdict verdict;
  bool isLocal;
  Bytes out;
};

Handled handle(TestDirector& t, const Bytes& bytes) {
  HeldPacket held(bytes);
  Packet packet = held.packet();
  OutputVector out;
  Handled handled{};
  t.director.process(0, {&packet, 1}, t.now, out, &handled.verdict);
  handled.isLocal = out.count() == 1 && out.way(0) == OutputWay::host;
  CHECK_EQ(out.has(OutputWay::host), handled.isLocal);
  if (out.count() == 1) handled.out.assign(out[0].data, out[0].data + out[0].length);
  return handled;
}

}  // namespace

TEST("hands a local node's packets to the host as they came, even those of TTL 1") {
  TestDirector t;
  t.addService();
  t.addServer(1, kLocalServer);
  const Bytes packet = syn(1000).build();
  const Handled handled = handle(t, packet);
  CHECK_EQ(handled.verdict, Verdict::forwarded);
  CHECK(handled.isLocal);
  CHECK(handled.out == packet);
  const ServerRow row = t.row(1);
  CHECK_EQ(row.traffic.inPackets, 1u);
  CHECK_EQ(row.traffic.inBytes, packet.size());
  CHECK_EQ(row.inactive + row.active, 1);
}

TEST("a pool may have local and remote servers") {
  TestDirector t;
  t.addService();
  t.addServer(11);
  t.addServer(1, kLocalServer);
  for (uint16_t i = 0; i < 20; i++) {
    const Bytes packet = syn(static_cast<uint16_t>(1000 + i)).build();
    const Handled handled = handle(t, packet);
    CHECK_EQ(handled.isLocal, i % 2 == 0);
    CHECK_EQ(handled.out.size(), packet.size() + (handled.isLocal ? 0 : 20));
    // A server keeps its connection.
    CHECK_EQ(handle(t, fromClient().tcp(static_cast<uint16_t>(1000 + i), 80, kTcpAck).build()).isLocal, i % 2 == 0);
  }
}

TEST("no path MTU applies to a local node, not even one that was learned while it was remote") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.pathMtu = 600;
  TestDirector t(options);
  t.addService();
  t.addServer(1);
  const Bytes packet = syn(1000).dontFragment().payload(1400).build();
  CHECK_EQ(handle(t, packet).verdict, Verdict::answeredTooBig);
  const ServiceTable* table = t.director.control().table();
  table->services()[0]->owned[0]->pathMtu->learn(600, {Family::ipv4, 576}, t.now);
  t.editServer(1, kLocalServer);
  const Handled handled = handle(t, packet);
  CHECK(handled.isLocal);
  CHECK(handled.out == packet);
  t.editServer(1, {});
  CHECK_EQ(handle(t, packet).verdict, Verdict::answeredTooBig);
}

TEST("hands every fragment to the host, which reassembles") {
  TestDirector t;
  t.addService("rr", TestDirector::kNames);
  t.addServer(1, kLocalServer, TestDirector::kNames);
  const Bytes whole = fromClient().udp(1000, 53).payload(1192).build();
  const auto part = [&](uint16_t offset, size_t bytes, bool more) {
    PacketBuilder builder = fromClient().protocol(IpProtocol::udp).fragmentOffset(offset);
    if (more) builder.moreFragments();
    const auto begin = whole.begin() + 20 + offset;
    return builder.payload(Bytes(begin, begin + static_cast<ptrdiff_t>(bytes))).build();
  };
  for (const Bytes& fragment : {part(0, 800, true), part(800, 400, false)}) {
    const Handled handled = handle(t, fragment);
    CHECK(handled.isLocal);
    CHECK(handled.out == fragment);
  }
}

TEST("needs neither a source address nor an address that a packet could be sent to") {
  DirectorOptions options = TestDirector::defaultOptions();
  options.settings.v4.reset();
  TestDirector t(options);
  t.addService();
  REQUIRE(t.apply(AddServer{TestDirector::kWeb, {IpAddress::v4(127, 0, 0, 1), 80}, kLocalServer}).ok());
  CHECK(handle(t, syn(1000).build()).isLocal);
  CHECK(!t.apply(AddServer{TestDirector::kWeb, {IpAddress::v4(127, 0, 0, 2), 80}, ServerConfig{}}).ok());
}

TEST("has no port and no checksum") {
  TestDirector t;
  t.addService();
  for (const TunnelOptions& options : {TunnelOptions{ForwardingMethod::local, 6080, TunnelChecksum::none},
                                       TunnelOptions{ForwardingMethod::local, 0, TunnelChecksum::checksum}}) {
    CHECK(!t.apply(AddServer{TestDirector::kWeb, TestDirector::server(1), {.tunnel = options}}).ok());
  }
}

}  // namespace tunvs::local_node_test
