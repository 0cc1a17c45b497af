#include "io/packet/packet_egress.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "packet/checksum.h"
#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::packet_egress_test {
namespace {

const IpAddress kServer = IpAddress::v4(10, 1, 0, 2);
const IpAddress kBehindGateway = IpAddress::v4(10, 2, 0, 2);

// The topology is va (10.1.0.1, MTU 1500) --- vb, a bare link whose frames the test reads.
class Wire {
 public:
  Wire() {
    isReady_ =
        testing::run("ip link add va address 02:00:00:00:00:01 type veth peer name vb address 02:00:00:00:00:02") &&
        testing::setSysctl("ipv6/conf/va/disable_ipv6", "1") && testing::setSysctl("ipv6/conf/vb/disable_ipv6", "1") &&
        testing::run(
            "ip addr add 10.1.0.1/24 dev va && ip link set vb up && ip link set va up && ip link set lo up && "
            "ip route add 10.2.0.0/16 via 10.1.0.9 mtu 1400");
    auto netlink = Netlink::open();
    auto link = netlink.ok() ? netlink.value()->link("vb") : Result<LinkAnswer>(netlink.error());
    capture_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL)));
    if (!link.ok() || !capture_) {
      isReady_ = false;
      return;
    }
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = link.value().interfaceIndex;
    isReady_ &= ::bind(capture_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  bool isReady() const { return isReady_; }

  // Returns the next IPv4 frame that arrived; empty when there is none.
  std::vector<uint8_t> nextFrame() {
    uint8_t bytes[2000];
    while (true) {
      const ssize_t length = ::recv(capture_.get(), bytes, sizeof bytes, 0);
      if (length < 0) return {};
      if (length > 14 && loadBe16(bytes + 12) == ETH_P_IP) return {bytes, bytes + length};
    }
  }
  // Answers for a neighbour, as its own stack would: the kernel is told its address.
  void setNeighbour(const char* address, const char* mac, const char* state = "permanent") {
    testing::run(std::string("ip neigh replace ") + address + " lladdr " + mac + " dev va nud " + state);
  }

 private:
  UniqueFd capture_;
  bool isReady_ = false;
};

// A TestPacket has headroom, and can be sent any number of times.
class TestPacket {
 public:
  TestPacket(size_t length, IpAddress nextHop) : bytes_(kHeadroom + length, 0x5a), nextHop_(nextHop) {
    uint8_t* const data = &bytes_[kHeadroom];
    const uint8_t header[20] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 4, 0, 0, 10, 1, 0, 1};
    std::memcpy(data, header, sizeof header);
    storeBe16(data + 2, static_cast<uint16_t>(length));
    std::memcpy(data + 16, nextHop.bytes.data(), 4);
    const Be16 check = checksum(data, 20);
    std::memcpy(data + 10, &check.raw, 2);
  }
  OutputPacket output() { return {&bytes_[kHeadroom], static_cast<uint32_t>(bytes_.size() - kHeadroom), nextHop_}; }

 private:
  std::vector<uint8_t> bytes_;
  IpAddress nextHop_;
};

std::unique_ptr<PacketEgress> openEgressOn(const Wire& wire, std::shared_ptr<NextHopResolver>& resolver,
                                           const std::vector<IpAddress>& servers = {kServer, kBehindGateway}) {
  if (!CHECK(wire.isReady())) return nullptr;
  auto started = NextHopResolver::start({IpAddress::v4(10, 1, 0, 1)});
  if (!CHECK(started.ok())) return nullptr;
  resolver = started.value();
  resolver->setServers(servers);
  auto egress = PacketEgress::open(resolver);
  if (!CHECK(egress.ok())) return nullptr;
  return std::move(egress).value();
}

bool isResolved(NextHopResolver& resolver, const IpAddress& nextHop) { return resolver.find(nextHop).has_value(); }

// Adds the server's neighbour and the gateway's, and waits until the resolver knows both.
bool learnsNeighbours(Wire& wire, NextHopResolver& resolver) {
  wire.setNeighbour("10.1.0.2", "02:00:00:00:00:02");
  wire.setNeighbour("10.1.0.9", "02:00:00:00:00:09");
  return testing::eventually([&] { return isResolved(resolver, kServer) && isResolved(resolver, kBehindGateway); });
}

bool startsWith(const std::vector<uint8_t>& frame, const std::vector<uint8_t>& macs) {
  return frame.size() > macs.size() && std::equal(macs.begin(), macs.end(), frame.begin());
}

TEST_IN_NAMESPACE("the packet egress sends frames to the resolved neighbour or gateway, with the bytes unchanged") {
  Wire wire;
  std::shared_ptr<NextHopResolver> resolver;
  const auto egress = openEgressOn(wire, resolver);
  REQUIRE(egress != nullptr);
  REQUIRE(learnsNeighbours(wire, *resolver));

  TestPacket direct(1500, kServer), routed(100, kBehindGateway);
  const OutputPacket packets[] = {direct.output(), routed.output()};
  CHECK_EQ(egress->send(packets).sent, 2u);
  const auto first = wire.nextFrame();
  CHECK(startsWith(first, {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45}));
  CHECK(std::equal(first.begin() + 14, first.end(), packets[0].data));
  CHECK_EQ(first.size(), 1514u);
  CHECK(startsWith(wire.nextFrame(), {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0, 0x45}));
}

TEST_IN_NAMESPACE(
    "packets longer than the link's MTU are counted, those longer than the route's MTU are left to the kernel") {
  Wire wire;
  std::shared_ptr<NextHopResolver> resolver;
  const auto egress = openEgressOn(wire, resolver);
  REQUIRE(egress != nullptr);
  wire.setNeighbour("10.1.0.9", "02:00:00:00:00:09");
  REQUIRE(testing::eventually([&] { return isResolved(*resolver, kBehindGateway); }));
  TestPacket overLink(1501, kBehindGateway), overRoute(1401, kBehindGateway), fits(1400, kBehindGateway);
  TestPacket fragmentable(1401, kBehindGateway);
  OutputPacket clear = fragmentable.output();
  clear.data[6] = 0;  // DF
  const OutputPacket packets[] = {overLink.output(), overRoute.output(), fits.output(), clear};
  const SendResult result = egress->send(packets);
  CHECK_EQ(result.tooLong, 2u);
  CHECK_EQ(result.sent, 2u);
  CHECK_EQ(wire.nextFrame().size(), 1414u);
  const size_t fragments = wire.nextFrame().size() + wire.nextFrame().size();
  CHECK_EQ(fragments, 1401u + 20 + 2 * 14);
}

TEST_IN_NAMESPACE("the kernel keeps the first packets to an unknown neighbour, and they arrive when it is resolved") {
  Wire wire;
  std::shared_ptr<NextHopResolver> resolver;
  const auto egress = openEgressOn(wire, resolver);
  REQUIRE(egress != nullptr);
  TestPacket packet(100, kServer);
  const OutputPacket packets[] = {packet.output(), packet.output(), packet.output()};
  CHECK_EQ(egress->send(packets).sent, 3u);
  CHECK(wire.nextFrame().empty());
  wire.setNeighbour("10.1.0.2", "02:00:00:00:00:02");
  CHECK_EQ(wire.nextFrame().size(), 114u);
  CHECK_EQ(wire.nextFrame().size(), 114u);
  CHECK_EQ(wire.nextFrame().size(), 114u);
}

TEST_IN_NAMESPACE(
    "the packet egress follows a neighbour that changes its address, a route that moves and a link that changes") {
  Wire wire;
  std::shared_ptr<NextHopResolver> resolver;
  const auto egress = openEgressOn(wire, resolver);
  REQUIRE(egress != nullptr);
  wire.setNeighbour("10.1.0.2", "02:00:00:00:00:02");
  wire.setNeighbour("10.1.0.9", "02:00:00:00:00:09");
  TestPacket packet(100, kServer);
  // Sends until frames begin with `macs`.
  const auto follows = [&](const std::vector<uint8_t>& macs) {
    return testing::eventually([&] {
      const OutputPacket output = packet.output();
      CHECK_EQ(egress->send({&output, 1}).sent, 1u);
      return startsWith(wire.nextFrame(), macs);
    });
  };
  CHECK(follows({2, 0, 0, 0, 0, 2}));
  wire.setNeighbour("10.1.0.2", "02:00:00:00:00:77");
  CHECK(follows({2, 0, 0, 0, 0, 0x77}));
  REQUIRE(testing::run("ip route add 10.1.0.2 via 10.1.0.9 dev va"));
  CHECK(follows({2, 0, 0, 0, 0, 9}));
  REQUIRE(testing::run("ip link set va address 02:00:00:00:00:aa"));
  wire.setNeighbour("10.1.0.9", "02:00:00:00:00:09");  // a changed address flushes the neighbours
  CHECK(follows({2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 0xaa}));
}

TEST_IN_NAMESPACE("a stale neighbour is used, and the kernel is asked to check it") {
  Wire wire;
  std::shared_ptr<NextHopResolver> resolver;
  const auto egress = openEgressOn(wire, resolver);
  REQUIRE(egress != nullptr);
  wire.setNeighbour("10.1.0.2", "02:00:00:00:00:02", "stale");
  REQUIRE(testing::eventually([&] { return isResolved(*resolver, kServer); }));
  auto netlink = Netlink::open();
  REQUIRE(netlink.ok());
  const auto neighbour = netlink.value()->neighbour(resolver->find(kServer)->interfaceIndex, kServer);
  REQUIRE(neighbour.ok());
  CHECK(!neighbour.value().isStale());
}

TEST_IN_NAMESPACE("packets for this host itself and packets without a route are not framed") {
  Wire wire;
  std::shared_ptr<NextHopResolver> resolver;
  const auto egress = openEgressOn(wire, resolver);
  REQUIRE(egress != nullptr);
  TestPacket own(100, IpAddress::v4(10, 1, 0, 1)), nowhere(100, IpAddress::v4(172, 16, 0, 1));
  const OutputPacket packets[] = {own.output(), nowhere.output()};
  for (int round = 0; round < 3; round++) {
    const SendResult result = egress->send(packets);
    CHECK_EQ(result.sent, 1u);
    CHECK_EQ(result.noRoute, 1u);
  }
  CHECK(wire.nextFrame().empty());
}

TEST_IN_NAMESPACE("more next hops than the egress remembers are all reached, by two workers at once") {
  Wire wire;
  std::shared_ptr<NextHopResolver> resolver;
  std::vector<IpAddress> servers;
  for (uint32_t i = 0; i < 1500; i++) servers.push_back(IpAddress::v4(Be32::from(0x0a020000 + i)));
  const auto egress = openEgressOn(wire, resolver, servers);
  REQUIRE(egress != nullptr);
  auto second = PacketEgress::open(resolver);
  REQUIRE(second.ok());
  wire.setNeighbour("10.1.0.9", "02:00:00:00:00:09");
  const auto sendToMany = [&servers](PacketEgress& to) {
    size_t sent = 0;
    for (uint32_t round = 0; round < 3; round++) {
      for (uint32_t i = 0; i < 1500; i++) {
        TestPacket packet(60, servers[i]);
        const OutputPacket output = packet.output();
        sent += to.send({&output, 1}).sent;
      }
    }
    return sent;
  };
  size_t sentBySecond = 0;
  std::thread worker([&] { sentBySecond = sendToMany(*second.value()); });
  const size_t sent = sendToMany(*egress);
  worker.join();
  CHECK_EQ(sent, 4500u);
  CHECK_EQ(sentBySecond, 4500u);
}

TEST_IN_NAMESPACE("answers to 2000 strangers go out, and the resolver knows only its servers afterwards") {
  Wire wire;
  std::shared_ptr<NextHopResolver> resolver;
  const auto egress = openEgressOn(wire, resolver);
  REQUIRE(egress != nullptr);
  REQUIRE(learnsNeighbours(wire, *resolver));
  const uint64_t generation = resolver->generation();
  size_t sent = 0, arrived = 0;
  for (uint32_t i = 0; i < 2000; i++) {
    TestPacket answer(60, IpAddress::v4(Be32::from(0x0a020000 + i)));
    const OutputPacket output = answer.output();
    sent += egress->sendAnswers({&output, 1}).sent;
    while (!wire.nextFrame().empty()) arrived++;
  }
  CHECK_EQ(sent, 2000u);
  CHECK_EQ(arrived, 2000u);
  auto known = resolver->known();
  std::ranges::sort(known, {}, [](const IpAddress& address) { return toString(address); });
  CHECK_EQ(known, (std::vector<IpAddress>{kServer, kBehindGateway}));
  CHECK_EQ(resolver->generation(), generation);
}

TEST_IN_NAMESPACE("a packet to a next hop that was never named is sent, and not remembered") {
  Wire wire;
  std::shared_ptr<NextHopResolver> resolver;
  const auto egress = openEgressOn(wire, resolver);
  REQUIRE(egress != nullptr);
  wire.setNeighbour("10.1.0.3", "02:00:00:00:00:03");
  TestPacket packet(100, IpAddress::v4(10, 1, 0, 3));
  const OutputPacket output = packet.output();
  CHECK_EQ(egress->send({&output, 1}).sent, 1u);
  CHECK(startsWith(wire.nextFrame(), {2, 0, 0, 0, 0, 3}));
  CHECK_EQ(resolver->known().size(), 2u);
}

}  // namespace
}  // namespace tunvs::packet_egress_test
