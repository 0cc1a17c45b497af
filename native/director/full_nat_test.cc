// Full NAT: which addresses and ports packets get.
#include "support/full_nat.h"

namespace tunvs::full_nat_test {
namespace {

using testing::Bytes;
using testing::exchanged;
using testing::FullNat;
using testing::NatDirector;
using testing::PacketBuilder;
using testing::withSources;

const IpAddress kServer = FullNat::kServer;

TEST("a packet leaves with an address and a port of the director's, and its answer comes back to the client") {
  FullNat t;
  CHECK_EQ(t.thereAndBack(t.fromClient(40000, kTcpSyn)), "the same");
  CHECK_EQ(t.send(t.fromClient(40000, kTcpSyn)), "11");
  CHECK_EQ(t.sentTo(), "10.0.0.11:8080");
  CHECK(t.sentFrom().starts_with("10.0.0.200:"));
}

TEST("pairs of address and port are taken in turn, and none twice while its connection is there") {
  FullNat t(withSources({"10.0.0.200", "10.0.0.202/31"}, 5000, 5003));
  std::vector<std::string> given;
  for (uint16_t i = 0; i < 12; i++) {
    CHECK_EQ(t.send(t.fromClient(static_cast<uint16_t>(40000 + i), kTcpSyn)), "11");
    given.push_back(t.sentFrom());
  }
  std::ranges::sort(given);
  CHECK(std::ranges::adjacent_find(given) == given.end());
  CHECK_EQ(given.front(), "10.0.0.200:5000");
  CHECK_EQ(given.back(), "10.0.0.203:5003");
  CHECK_EQ(t.send(t.fromClient(41000, kTcpSyn)), "dropNoPort");
  // One that ends gives its pair back.
  t.now += ticksFromSeconds(3600);
  while (!t.director.expire(0, t.now, /*exact=*/true, SIZE_MAX)) {
  }
  CHECK_EQ(t.send(t.fromClient(41000, kTcpSyn)), "11");
}

TEST("what comes to an address of full NAT without a connection ends here, and a ping of it is answered") {
  FullNat t;
  const IpAddress source = IpAddress::v4(10, 0, 0, 200);
  CHECK_EQ(t.send(PacketBuilder().ip(kServer, source).tcp(8080, 5000, kTcpAck).build()), "dropUnmatchedReply");
  CHECK_EQ(t.send(PacketBuilder().ip(kServer, source).udp(1, 5000).payload(9).build()), "dropUnmatchedReply");
  CHECK(t.sent.empty());
}

TEST("a server of full NAT is refused where the director has no address to give") {
  NatDirector t;
  t.addService();
  ServerConfig config;
  config.tunnel.method = ForwardingMethod::snat;
  const auto refused = t.apply(AddServer{NatDirector::kWeb, {kServer, 80}, config});
  CHECK(!refused.ok() && refused.error().message.find("fullNat.sources") != std::string::npos);
  config.tunnel = {.method = ForwardingMethod::ipip, .told = ClientTold::toa};
  CHECK(!t.apply(AddServer{NatDirector::kWeb, {kServer, 80}, config}).ok());
}

TEST("no real server has an address that full NAT gives to packets, whatever its method, but the host's own") {
  FullNat t(withSources({"10.0.0.200", "10.0.1.0/28"}));
  for (const ForwardingMethod method : {ForwardingMethod::snat, ForwardingMethod::nat, ForwardingMethod::ipip}) {
    ServerConfig config;
    config.tunnel.method = method;
    for (const IpAddress& address : {IpAddress::v4(10, 0, 0, 200), IpAddress::v4(10, 0, 1, 15)}) {
      const auto added = t.apply(AddServer{t.kWeb, {address, 80}, config});
      CHECK(!added.ok());
      CHECK_EQ(added.error().message, toString(address) +
                                          " can't be a real server, because full NAT gives this address to packets as "
                                          "their source; take it out of fullNat.sources");
    }
    CHECK(t.apply(AddServer{t.kWeb, {IpAddress::v4(10, 0, 1, 16), 80}, config}).ok());
    CHECK(t.apply(DeleteServer{t.kWeb, {IpAddress::v4(10, 0, 1, 16), 80}}).ok());
  }
  ServerConfig local;
  local.tunnel.method = ForwardingMethod::local;
  CHECK(t.apply(AddServer{t.kWeb, {IpAddress::v4(10, 0, 0, 200), 80}, local}).ok());
}

TEST("a free pair is found wherever it lies, also when long connections have many in a row") {
  DirectorOptions options = withSources({"10.0.0.200"}, 10000, 18191);
  options.maxConnections = 1u << 15;
  FullNat many(options);
  for (uint16_t port = 20000; port < 25000; port++) many.send(many.says(port, UINT32_MAX, 0, kTcpSyn));
  // Another service has the same server, and begins to look where the first one did.
  const ServiceKey other{IpAddress::v4(192, 0, 2, 11), 80, 6};
  many.addService("rr", other);
  CHECK(many.apply(AddServer{other, {FullNat::kServer, 8080}, FullNat::configOf()}).ok());
  for (uint16_t port = 30000; port < 30100; port++) {
    CHECK_EQ(many.send(PacketBuilder().ip(NatDirector::kClient, other.address).tcp(port, 80, kTcpSyn).build()), "11");
  }
}

TEST("connections by another method do not count as pairs in use") {
  FullNat t(withSources({"10.0.0.200"}, 5000, 5003));
  const ServiceKey other{IpAddress::v4(192, 0, 2, 11), 80, 6};
  t.addService("rr", other);
  CHECK(t.apply(AddServer{other, {FullNat::kServer, 80}, {}}).ok());
  const auto open = [&](uint16_t port) {
    return t.send(PacketBuilder().ip(NatDirector::kClient, other.address).tcp(port, 80, kTcpSyn).build());
  };
  for (uint16_t port = 30000; port < 30004; port++) CHECK_EQ(open(port), "11");
  CHECK(t.apply(EditServer{other, {FullNat::kServer, 80}, FullNat::configOf()}).ok());
  for (uint16_t port = 31000; port < 31004; port++) CHECK_EQ(open(port), "11");
  CHECK_EQ(open(32000), "dropNoPort");
}

TEST("when there is no pair, nobody looks for one until the clock goes on, and then all are looked at") {
  FullNat t(withSources({"10.0.0.200"}, 5000, 5001));
  for (uint16_t port = 40000; port < 40002; port++) CHECK_EQ(t.send(t.fromClient(port, kTcpSyn)), "11");
  CHECK_EQ(t.send(t.fromClient(41000, kTcpSyn)), "dropNoPort");
  CHECK_EQ(t.send(t.fromClient(40000, kTcpRst)), "11");
  t.now += ticksFromSeconds(60);
  while (!t.director.expire(0, t.now, /*exact=*/true, SIZE_MAX)) {
  }
  CHECK_EQ(t.send(t.fromClient(41000, kTcpSyn)), "11");
}

TEST("checks of one server by two services have a source of their own each, at the same time") {
  const ServiceKey other{IpAddress::v4(192, 0, 2, 10), 81, 6};
  FullNat t;
  t.addService("rr", other);
  CHECK(t.apply(AddServer{other, {FullNat::kServer, 8080}, FullNat::configOf()}).ok());
  const auto synOf = [](const ServiceKey& service) {
    return PacketBuilder().ip(NatDirector::kClient, service.address).tcp(61000, service.port, kTcpSyn).build();
  };
  std::vector<Bytes> answers;
  for (const ServiceKey& service : {NatDirector::kWeb, other}) {
    const FlowKey flow = FlowKey::make(NatDirector::kClient, Be16::from(61000), service.address,
                                       Be16::from(service.port), /*protocol=*/6);
    CHECK(t.director.pin({flow, service, {FullNat::kServer, 8080}, ticksFromSeconds(60)}, t.now).ok());
    CHECK_EQ(t.send(synOf(service)), "pinned");
    answers.push_back(exchanged(t.sent));
  }
  CHECK(answers[0] != answers[1]);
  uint16_t port = 80;
  for (const Bytes& answer : answers) {
    t.send(answer);
    CHECK_EQ(t.sentFrom(), "192.0.2.10:" + std::to_string(port++));
  }
}

}  // namespace
}  // namespace tunvs::full_nat_test
