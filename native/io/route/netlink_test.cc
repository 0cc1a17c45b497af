#include "io/route/netlink.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

#include <vector>

#include "support/network_namespace.h"
#include "support/testing.h"

namespace tunvs::netlink_test {
namespace {

// Builds a netlink message as the kernel writes it.
class Message {
 public:
  template <typename Fixed>
  Message(uint16_t type, const Fixed& fixed) : bytes_(NLMSG_HDRLEN) {
    put(&fixed, sizeof fixed);
    type_ = type;
  }
  Message& attribute(uint16_t type, const std::vector<uint8_t>& value) {
    const rtattr header{static_cast<uint16_t>(RTA_LENGTH(value.size())), type};
    put(&header, sizeof header);
    put(value.data(), value.size());
    return *this;
  }
  std::vector<uint8_t> bytes() {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
    header.nlmsg_type = type_;
    std::memcpy(bytes_.data(), &header, sizeof header);
    return bytes_;
  }

 private:
  void put(const void* from, size_t length) {
    const auto* begin = static_cast<const uint8_t*>(from);
    bytes_.insert(bytes_.end(), begin, begin + length);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  std::vector<uint8_t> bytes_;
  uint16_t type_ = 0;
};

std::vector<uint8_t> bytesOf(uint32_t value) {
  const auto* begin = reinterpret_cast<const uint8_t*>(&value);
  return {begin, begin + 4};
}

std::vector<uint8_t> nested(uint16_t type, const std::vector<uint8_t>& value) {
  Message message(0, nlmsghdr{});
  auto bytes = message.attribute(type, value).bytes();
  return {bytes.begin() + NLMSG_HDRLEN + sizeof(nlmsghdr), bytes.end()};
}

Message routeMessage(uint8_t type) {
  rtmsg fixed{};
  fixed.rtm_family = AF_INET;
  fixed.rtm_type = type;
  return Message(RTM_NEWROUTE, fixed);
}

TEST("a route's interface, gateway, preferred source and MTU are read") {
  auto message = routeMessage(RTN_UNICAST);
  message.attribute(RTA_OIF, bytesOf(7)).attribute(RTA_GATEWAY, {10, 0, 0, 254}).attribute(RTA_PREFSRC, {10, 0, 0, 1});
  message.attribute(RTA_METRICS, nested(RTAX_MTU, bytesOf(1400)));
  const auto route = parseRoute(message.bytes());
  REQUIRE(route.has_value());
  CHECK(route->kind == RouteAnswer::Kind::unicast);
  CHECK_EQ(route->interfaceIndex, 7);
  CHECK(route->gateway == IpAddress::v4(10, 0, 0, 254));
  CHECK(route->prefSource == IpAddress::v4(10, 0, 0, 1));
  CHECK_EQ(route->mtu, 1400u);
  CHECK(!route->hasEncapsulation);
}

TEST("an IPv4 route through an IPv6 gateway keeps the gateway's family") {
  std::vector<uint8_t> via(18, 0);
  via[0] = AF_INET6;
  via[2] = 0xfe;
  via[3] = 0x80;
  via[17] = 1;
  const auto route = parseRoute(routeMessage(RTN_UNICAST).attribute(RTA_VIA, via).bytes());
  REQUIRE(route.has_value() && route->gateway.has_value());
  CHECK_EQ(toString(*route->gateway), "fe80::1");
}

TEST("a route's kind tells this host's own addresses from unreachable ones") {
  CHECK(parseRoute(routeMessage(RTN_LOCAL).bytes())->kind == RouteAnswer::Kind::local);
  CHECK(parseRoute(routeMessage(RTN_BLACKHOLE).bytes())->kind == RouteAnswer::Kind::other);
}

TEST("a neighbour is usable in the states in which the kernel itself would send to it") {
  const auto inState = [](uint16_t state) {
    ndmsg fixed{};
    fixed.ndm_state = state;
    return parseNeighbour(Message(RTM_NEWNEIGH, fixed).attribute(NDA_LLADDR, {2, 0, 0, 0, 0, 9}).bytes());
  };
  for (const uint16_t state : {NUD_PERMANENT, NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE, NUD_NOARP}) {
    CHECK(inState(state)->isUsable());
  }
  for (const uint16_t state : {NUD_NONE, NUD_INCOMPLETE, NUD_FAILED}) CHECK(!inState(state)->isUsable());
  CHECK(inState(NUD_STALE)->isStale());
  CHECK(!inState(NUD_REACHABLE)->isStale());
  CHECK_EQ((*inState(NUD_STALE)->address)[5], 9);
  CHECK(!parseNeighbour(Message(RTM_NEWNEIGH, ndmsg{}).bytes())->isUsable());
}

TEST("a message that is cut off anywhere, lies about a length or is of another kind gives nothing") {
  auto message = routeMessage(RTN_UNICAST);
  message.attribute(RTA_OIF, bytesOf(7)).attribute(RTA_METRICS, nested(RTAX_MTU, bytesOf(1400)));
  const auto bytes = message.bytes();
  for (size_t length = 0; length < bytes.size(); length++) {
    CHECK(!parseRoute(std::span(bytes).first(length)).has_value());
  }
  CHECK(!parseNeighbour(bytes).has_value());
  CHECK(!parseLink(bytes).has_value());

  auto lying = bytes;
  lying[NLMSG_HDRLEN + sizeof(rtmsg)] = 3;  // shorter than an attribute's own header
  CHECK(!parseRoute(lying).has_value());
  lying[NLMSG_HDRLEN + sizeof(rtmsg)] = 200;
  CHECK(!parseRoute(lying).has_value());
}

TEST("IPv6's own MTU of a link is read") {
  std::vector<uint8_t> conf(16, 0);
  conf[8] = 0x14;
  conf[9] = 0x05;  // 1300, the third value
  ifinfomsg fixed{};
  const auto link =
      parseLink(Message(RTM_NEWLINK, fixed).attribute(IFLA_AF_SPEC, nested(AF_INET6, nested(2, conf))).bytes());
  REQUIRE(link.has_value());
  CHECK_EQ(link->mtu6, 1300u);
}

TEST("changes of neighbours that nobody is interested in are no news, all other changes are") {
  const auto neighbour = [](uint8_t last, uint8_t family = AF_INET) {
    ndmsg fixed{};
    fixed.ndm_family = family;
    return Message(RTM_NEWNEIGH, fixed).attribute(NDA_DST, {10, 0, 0, last}).bytes();
  };
  const NeighbourFilter isOurs = [](const IpAddress& address) { return address == IpAddress::v4(10, 0, 0, 9); };
  auto both = neighbour(7);
  CHECK(!isNews(both, isOurs));
  CHECK(isNews(both, nullptr));
  CHECK(isNews(neighbour(9), isOurs));
  CHECK(!isNews(neighbour(9, AF_BRIDGE), isOurs));
  CHECK(isNews(routeMessage(RTN_UNICAST).bytes(), isOurs));
  const auto ours = neighbour(9);
  both.insert(both.end(), ours.begin(), ours.end());
  CHECK(isNews(both, isOurs));
  for (size_t length = 1; length < ours.size(); length++) CHECK(isNews(std::span(ours).first(length), isOurs));
  CHECK(!isNews({}, isOurs));
}

TEST("the kernel tells a link by name and by number") {
  auto netlink = Netlink::open();
  REQUIRE(netlink.ok());
  const auto link = netlink.value()->link("lo");
  REQUIRE(link.ok());
  CHECK_EQ(link.value().hardwareType, ARPHRD_LOOPBACK);
  CHECK_EQ(netlink.value()->link(link.value().interfaceIndex).value().name, "lo");
}

TEST("an interface that does not exist is a noDevice error, whatever its name") {
  auto netlink = Netlink::open();
  REQUIRE(netlink.ok());
  for (const char* name : {"tunvs-none", "", "a-name-that-is-far-too-long"}) {
    const auto link = netlink.value()->link(name);
    REQUIRE(!link.ok());
    CHECK(link.error().code == ErrorCode::noDevice);
  }
}

TEST_IN_NAMESPACE("routes, neighbours and links of a network are told as they are, and changes are noticed") {
  auto netlink = Netlink::open();
  auto monitor = NetlinkMonitor::open();
  REQUIRE(netlink.ok() && monitor.ok());
  CHECK(!netlink.value()->route(IpAddress::v4(10, 1, 0, 2)).ok());
  CHECK(!monitor.value()->drain());

  REQUIRE(
      testing::run("ip link add va address 02:00:00:00:00:01 mtu 1400 type veth peer name vb && ip link set vb up && "
                   "ip addr add 10.1.0.1/24 dev va && ip link set va up && "
                   "ip route add 10.2.0.0/16 via 10.1.0.9 mtu 1300 && "
                   "ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev va nud permanent"));
  CHECK(monitor.value()->drain());
  CHECK(!monitor.value()->drain());

  CHECK(netlink.value()->route(IpAddress::v4(10, 1, 0, 1)).value().kind == RouteAnswer::Kind::local);
  const auto route = netlink.value()->route(IpAddress::v4(10, 2, 3, 4));
  REQUIRE(route.ok());
  CHECK(route.value().gateway == IpAddress::v4(10, 1, 0, 9));
  CHECK_EQ(route.value().mtu, 1300u);
  const auto link = netlink.value()->link(route.value().interfaceIndex);
  REQUIRE(link.ok());
  CHECK_EQ(link.value().name, "va");
  CHECK_EQ(link.value().mtu, 1400u);
  CHECK_EQ(link.value().kind, "veth");
  CHECK_EQ(link.value().address[5], 1);
  CHECK(link.value().hasCarrier);
  const auto neighbour = netlink.value()->neighbour(route.value().interfaceIndex, IpAddress::v4(10, 1, 0, 9));
  REQUIRE(neighbour.ok());
  CHECK(neighbour.value().isUsable());
  CHECK_EQ((*neighbour.value().address)[5], 9);

  const IpAddress stranger = IpAddress::v4(10, 1, 0, 77);
  const auto unknown = netlink.value()->neighbour(route.value().interfaceIndex, stranger);
  REQUIRE(!unknown.ok());
  CHECK(unknown.error().code == ErrorCode::noDevice);
  CHECK(netlink.value()->useNeighbour(route.value().interfaceIndex, stranger).ok());
  const auto asked = netlink.value()->neighbour(route.value().interfaceIndex, stranger);
  REQUIRE(asked.ok());
  CHECK_EQ(asked.value().state, NUD_INCOMPLETE);
}

}  // namespace
}  // namespace tunvs::netlink_test
