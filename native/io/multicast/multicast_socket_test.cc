#include "io/multicast/multicast_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "support/network_namespace.h"
#include "support/raw_bytes.h"

namespace tunvs::multicast_socket_test {
namespace {

using namespace testing;

constexpr uint8_t kTtl = 3;

// Makes two interfaces of which each gets what the other sends, with addresses of both families.
void makeLink() {
  setSysctl("ipv6/conf/default/accept_dad", "0");
  run("ip link add sync0 type veth peer name sync1");
  for (const char* name : {"all", "sync1"}) {
    setSysctl(std::string("ipv4/conf/") + name + "/accept_local", "1");
    setSysctl(std::string("ipv4/conf/") + name + "/rp_filter", "0");
  }
  run("ip address add 10.7.0.1/24 dev sync0 && ip address add 10.7.0.2/24 dev sync1");
  run("ip link set sync0 up && ip link set sync1 up");
  for (const char* name : {"sync0", "sync1"})
    CHECK(eventually([&] { return openMulticastSender({name, address("ff02::5:81"), 9000}).ok(); }));
}

struct Received {
  std::string text;
  int hops = 0;
  sockaddr_storage from{};
};

// Takes a datagram; false when there is none.
bool take(const UniqueFd& socket, Received& received) {
  char text[64];
  iovec data{text, sizeof text};
  alignas(cmsghdr) uint8_t control[256];
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_name = &received.from;
  header.msg_namelen = sizeof received.from;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t length = ::recvmsg(socket.get(), &header, MSG_DONTWAIT);
  if (length < 0) return false;
  received.text.assign(text, static_cast<size_t>(length));
  for (const cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr;
       each = CMSG_NXTHDR(&header, const_cast<cmsghdr*>(each))) {
    const bool isHops = (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_TTL) ||
                        (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_HOPLIMIT);
    if (isHops) std::memcpy(&received.hops, CMSG_DATA(each), sizeof received.hops);
  }
  return true;
}

}  // namespace

TEST_IN_NAMESPACE("what is sent to a group of either family comes in at the link's other end, and nowhere else") {
  makeLink();
  for (const bool isV4 : {true, false}) {
    const IpAddress group = isV4 ? address("224.0.0.81") : address("ff02::5:81");
    const IpAddress another = isV4 ? address("224.0.0.82") : address("ff02::5:82");
    const auto receiver = [&](const char* interface, const IpAddress& at, uint16_t port) {
      return openMulticastReceiver({interface, at, port});
    };
    const auto there = receiver("sync1", group, 9000), beside = receiver("sync1", group, 9000);
    const auto otherGroup = receiver("sync1", another, 9000), otherPort = receiver("sync1", group, 9001);
    const auto here = receiver("sync0", group, 9000);
    const auto sender = openMulticastSender({"sync0", group, 9000, kTtl});
    for (const auto* each : {&there, &beside, &otherGroup, &otherPort, &here, &sender}) CHECK(each->ok());
    if (!there.ok() || !beside.ok() || !otherGroup.ok() || !otherPort.ok() || !here.ok() || !sender.ok()) continue;
    const int on = 1;
    CHECK(::setsockopt(there.value().get(), isV4 ? IPPROTO_IP : IPPROTO_IPV6, isV4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT,
                       &on, sizeof on) == 0);
    CHECK_EQ(::send(sender.value().get(), "told", 4, 0), 4);
    Received received;
    CHECK(eventually([&] { return take(there.value(), received); }));
    CHECK_EQ(received.text, "told");
    CHECK_EQ(received.hops, kTtl);
    if (isV4) {
      CHECK_EQ(reinterpret_cast<const sockaddr_in&>(received.from).sin_addr.s_addr, address("10.7.0.1").asV4().raw);
    } else {
      CHECK(IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6&>(received.from).sin6_addr));
    }
    CHECK(take(beside.value(), received));
    for (const auto* each : {&otherGroup, &otherPort, &here}) CHECK(!take(each->value(), received));
  }
}

TEST_IN_NAMESPACE("sockets of a group say what they lack") {
  const auto group = address("ff02::5:81");
  for (const auto& opened :
       {openMulticastSender({"sync0", group, 9000}), openMulticastReceiver({"sync0", group, 9000})}) {
    CHECK(!opened.ok());
    if (!opened.ok()) CHECK_EQ(opened.error().message, "there is no interface sync0: name one that this host has");
  }
  CHECK(!mtuOfInterface("sync0").ok());
  run("ip link add sync0 mtu 1400 type veth peer name sync1");
  const auto mtu = mtuOfInterface("sync0");
  CHECK(mtu.ok());
  if (mtu.ok()) CHECK_EQ(mtu.value(), 1400);
  CHECK(!openMulticastSender({"sync0", address("224.0.0.81"), 9000}).ok());
}

}  // namespace tunvs::multicast_socket_test
