// Tunnel packets of every kind are sent through a kernel's own sockets: what comes out is what was put in.
#include "realserver/tunnel_socket.h"

#include <netinet/in.h>
#include <poll.h>

#include <cstdlib>
#include <string>

#include "realserver/decapsulator.h"
#include "support/network_namespace.h"
#include "support/raw_bytes.h"
#include "support/testing.h"

namespace tunvs::tunnel_socket_test {
namespace {

using testing::address;
using testing::Bytes;
using testing::operator+;

constexpr uint16_t kGuePort = 6080, kServicePort = 5353;
constexpr int kUdpNoChecksum6Send = 101;  // UDP_NO_CHECK6_TX of linux/udp.h

IpAddress clientOf(Family family) { return address(family == Family::ipv4 ? "198.51.100.7" : "2001:db8:1::7"); }
IpAddress virtualOf(Family family) { return address(family == Family::ipv4 ? "192.168.50.100" : "2001:db8:9::9"); }
IpAddress directorOf(Family family) { return address(family == Family::ipv4 ? "10.0.0.17" : "2001:db8:2::2"); }
IpAddress serverOf(Family family) { return address(family == Family::ipv4 ? "10.0.0.11" : "2001:db8:3::11"); }

DecapsulatorOptions options() {
  return {.device = "rs0",
          .directors = {parseAddressPrefix("10.0.0.16/28").value(), parseAddressPrefix("2001:db8:2::/64").value()},
          .virtualAddresses = {virtualOf(Family::ipv4), virtualOf(Family::ipv6)},
          .encapsulations = {"ipip", "gue", "gre"},
          .guePorts = {kGuePort, kGuePort + 1}};
}

// Makes one host director and real server at once: packets loop back.
bool setUpHost() {
  std::string commands = "ip link set lo up && ip link set rs0 up";
  for (const char* ipv4 : {"10.0.0.17", "10.0.0.9", "10.0.0.11", "192.168.50.100"})
    commands += std::string(" && ip address add ") + ipv4 + "/32 dev lo";
  for (const char* ipv6 : {"2001:db8:2::2", "2001:db8:4::9", "2001:db8:3::11", "2001:db8:9::9"})
    commands += std::string(" && ip address add ") + ipv6 + "/128 dev lo nodad";
  // The kernel routes to a new IPv6 address a moment after it has accepted it.
  const char* isRouted = "test $(ip -6 route show table local dev lo | grep -c '^local 2001:db8:') = 4";
  return testing::run(commands) && testing::eventually([&] { return std::system(isRouted) == 0; }) &&
         testing::setSysctl("ipv4/conf/all/rp_filter", "0") && testing::setSysctl("ipv4/conf/rs0/rp_filter", "0");
}

std::pair<sockaddr_storage, socklen_t> socketAddress(const IpAddress& address, uint16_t port) {
  sockaddr_storage storage{};
  if (address.isV4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), 4);
    return {storage, sizeof v4};
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, address.bytes.data(), 16);
  return {storage, sizeof v6};
}

UniqueFd openBound(int type, int protocol, const IpAddress& local, uint16_t port) {
  UniqueFd fd(::socket(local.isV4() ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, protocol));
  const auto [storage, length] = socketAddress(local, port);
  CHECK_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length), 0);
  return fd;
}

struct Tunnel {
  Family outer;
  IpProtocol protocol;
  uint8_t ecn = 0;
  bool hasUdpChecksum = true;
  uint16_t guePort = kGuePort;
};

// Sends `payload` behind the outer headers that the kernel makes.
void send(const Tunnel& tunnel, const Bytes& payload, const IpAddress& director) {
  const bool isUdp = tunnel.protocol == IpProtocol::udp, isIpv4 = tunnel.outer == Family::ipv4;
  const UniqueFd fd =
      openBound(isUdp ? SOCK_DGRAM : SOCK_RAW, isUdp ? 0 : static_cast<int>(tunnel.protocol), director, 0);
  const int ecn = tunnel.ecn, on = 1;
  CHECK_EQ(::setsockopt(fd.get(), isIpv4 ? IPPROTO_IP : IPPROTO_IPV6, isIpv4 ? IP_TOS : IPV6_TCLASS, &ecn, sizeof ecn),
           0);
  if (isUdp && !tunnel.hasUdpChecksum) {
    if (isIpv4) {
      CHECK_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
    } else {
      CHECK_EQ(::setsockopt(fd.get(), IPPROTO_UDP, kUdpNoChecksum6Send, &on, sizeof on), 0);
    }
  }
  const auto [to, length] = socketAddress(serverOf(tunnel.outer), isUdp ? tunnel.guePort : uint16_t{0});
  CHECK_EQ(::sendto(fd.get(), payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), length),
           static_cast<ssize_t>(payload.size()));
}

// Makes a datagram for the service, with the given ECN.
Bytes innerPacket(Family family, size_t payloadBytes, uint8_t ecn = 0) {
  const Bytes datagram = [&] {
    Bytes bytes(8 + payloadBytes, 0x5a);
    storeBe16(&bytes[0], 4000);
    storeBe16(&bytes[2], kServicePort);
    storeBe16(&bytes[4], static_cast<uint16_t>(bytes.size()));
    testing::seal(bytes, 6,
                  pseudoHeaderSum(clientOf(family), virtualOf(family), 17, static_cast<uint32_t>(bytes.size())));
    return bytes;
  }();
  if (family == Family::ipv6) return testing::ipv6Packet(clientOf(family), virtualOf(family), 17, datagram, ecn);
  return testing::PacketBuilder()
      .ip(clientOf(family), virtualOf(family))
      .tos(ecn)
      .protocol(IpProtocol::udp)
      .payload(datagram)
      .build();
}

struct Received {
  ssize_t bytes = -1;  // -1: none came
  int ecn = 0;
};

UniqueFd openService(Family family) {
  UniqueFd service = openBound(SOCK_DGRAM, 0, virtualOf(family), kServicePort);
  const int on = 1;
  if (family == Family::ipv4) {
    ::setsockopt(service.get(), IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
  } else {
    ::setsockopt(service.get(), IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
  }
  return service;
}

Received receiveFrom(const UniqueFd& service) {
  pollfd wait{service.get(), POLLIN, 0};
  if (::poll(&wait, 1, 10000) != 1) return {};
  uint8_t bytes[65536], control[64];
  iovec part{bytes, sizeof bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  Received received{::recvmsg(service.get(), &message, 0), 0};
  if (const cmsghdr* tos = CMSG_FIRSTHDR(&message)) received.ecn = *CMSG_DATA(tos) & 3;
  return received;
}

TEST_WITH_TUN("every encapsulation over both families gets both families' packets to the service, with their ECN") {
  auto decapsulator = Decapsulator::start(options());
  REQUIRE(decapsulator.ok());
  REQUIRE(setUpHost());
  uint64_t sent = 0;
  for (const Family inner : {Family::ipv4, Family::ipv6}) {
    const UniqueFd service = openService(inner);
    const auto ipip = inner == Family::ipv4 ? IpProtocol::ipip : IpProtocol::ipv6;
    const auto number = static_cast<uint8_t>(ipip);
    const Bytes gue = {0, number, 0, 0};
    const Bytes gre = inner == Family::ipv4 ? Bytes{0, 0, 8, 0} : Bytes{0, 0, 0x86, 0xdd};
    for (const Family outer : {Family::ipv4, Family::ipv6}) {
      const std::pair<Tunnel, Bytes> tunnels[] = {
          {{outer, ipip}, {}},
          {{outer, IpProtocol::udp}, gue},
          {{outer, IpProtocol::udp, 0, false, kGuePort + 1}, gue},
          {{outer, IpProtocol::udp, 0, false}, {}},  // GUE version 1
          {{outer, IpProtocol::gre}, gre},
      };
      for (auto [tunnel, header] : tunnels) {
        // The outer header has CE, the inner one ECT(0): the service has to learn of it.
        tunnel.ecn = 3;
        const Bytes payload = header + innerPacket(inner, 100, 2);
        send(tunnel, payload, directorOf(outer));
        const Received received = receiveFrom(service);
        if (!CHECK_EQ(received.bytes, 100) || !CHECK_EQ(received.ecn, 3)) {
          testing::fail(__FILE__, __LINE__,
                        "for: IPv" + std::to_string(static_cast<int>(inner)) + " in IPv" +
                            std::to_string(static_cast<int>(outer)) + ", protocol " +
                            std::to_string(static_cast<int>(tunnel.protocol)));
        }
        sent++;
      }
    }
  }
  // Deliveries are counted after they were written, so the counter may lag behind.
  CHECK(testing::eventually([&] { return decapsulator.value()->counters().delivered == sent; }));
  CHECK_EQ(decapsulator.value()->counters().received, sent);
  CHECK_EQ(decapsulator.value()->failure(), "");
}

TEST_WITH_TUN("over IPv6 and UDP too, strangers, spoiled tunnels and unmarked congestion are counted by their reason") {
  auto decapsulator = Decapsulator::start(options());
  REQUIRE(decapsulator.ok());
  REQUIRE(setUpHost());
  const Bytes inner = innerPacket(Family::ipv6, 10);
  const Tunnel ip{Family::ipv6, IpProtocol::ipv6}, gue{Family::ipv6, IpProtocol::udp},
      gre{Family::ipv6, IpProtocol::gre};
  const IpAddress director = directorOf(Family::ipv6);
  send(ip, inner, address("2001:db8:4::9"));
  send({Family::ipv4, IpProtocol::udp}, Bytes{0, 41, 0, 0} + inner, address("10.0.0.9"));
  send(gue, Bytes{0x20, 41, 0, 0} + inner, director);
  send(gre, Bytes{0x80, 0, 0x86, 0xdd, 0x12, 0x34, 0, 0} + inner, director);
  send(ip, testing::firstOf(inner, 39), director);
  send(gue, Bytes{0, 4, 0, 0} + inner, director);
  send({Family::ipv6, IpProtocol::ipv6, 3}, inner, director);
  send({Family::ipv4, IpProtocol::udp, 3}, Bytes{0, 41, 0, 0} + inner, directorOf(Family::ipv4));
  Bytes other = inner;
  other[39] ^= 1;
  send(gre, Bytes{0, 0, 0x86, 0xdd} + other, director);

  CHECK(testing::eventually([&] { return decapsulator.value()->counters().received == 9; }));
  const DecapCounters counters = decapsulator.value()->counters();
  CHECK_EQ(counters.unknownDirector, 2u);
  CHECK_EQ(counters.badTunnelHeader, 1u);
  CHECK_EQ(counters.badTunnelChecksum, 1u);
  CHECK_EQ(counters.badInner, 2u);
  CHECK_EQ(counters.congestionNotSignallable, 2u);
  CHECK_EQ(counters.notVirtualAddress, 1u);
  CHECK_EQ(counters.delivered, 0u);
}

// Sends GUE datagrams of `each` bytes with one call, which the kernel keeps together as long as it can.
void sendTogether(const Bytes& datagrams, int each, Family outer) {
  constexpr int kUdpSegment = 103;  // UDP_SEGMENT of linux/udp.h, Linux 4.18
  const UniqueFd fd = openBound(SOCK_DGRAM, 0, directorOf(outer), 0);
  CHECK_EQ(::setsockopt(fd.get(), IPPROTO_UDP, kUdpSegment, &each, sizeof each), 0);
  const auto [to, length] = socketAddress(serverOf(outer), kGuePort);
  CHECK_EQ(::sendto(fd.get(), datagrams.data(), datagrams.size(), 0, reinterpret_cast<const sockaddr*>(&to), length),
           static_cast<ssize_t>(datagrams.size()));
}

TEST_WITH_TUN(
    "GUE datagrams that come as one message are taken apart and counted one by one, with offloads and without") {
  for (const bool usesOffloads : {true, false}) {
    DecapsulatorOptions chosen = options();
    chosen.usesOffloads = usesOffloads;
    auto decapsulator = Decapsulator::start(chosen);
    REQUIRE(decapsulator.ok());
    if (usesOffloads) {
      REQUIRE(setUpHost());
    } else {
      REQUIRE(testing::run("ip link set rs0 up") && testing::setSysctl("ipv4/conf/rs0/rp_filter", "0"));
    }
    for (const Family outer : {Family::ipv4, Family::ipv6}) {
      const UniqueFd service = openService(Family::ipv4);
      Bytes datagrams;
      const Bytes gue = {0, 4, 0, 0};
      for (int i = 0; i < 4; i++) datagrams = datagrams + gue + innerPacket(Family::ipv4, 200);
      const int each = static_cast<int>(datagrams.size() / 4);
      datagrams[each + 10] ^= 1;  // the second's identification, so that its header checksum is wrong
      datagrams = datagrams + gue + innerPacket(Family::ipv4, 100);
      sendTogether(datagrams, each, outer);
      for (const ssize_t length : {200, 200, 200, 100}) CHECK_EQ(receiveFrom(service).bytes, length);
    }
    CHECK(testing::eventually([&] { return decapsulator.value()->counters().received == 10; }));
    CHECK_EQ(decapsulator.value()->counters().delivered, 8u);
    CHECK_EQ(decapsulator.value()->counters().badInnerChecksum, 2u);
  }
}

TEST_IN_NAMESPACE("a GUE socket hands out datagrams of one length together, where the kernel has them so") {
  for (const bool mergesDatagrams : {true, false}) {
    const AddressPrefix from = AddressPrefix::of(directorOf(Family::ipv4));
    const IpAddress to = virtualOf(Family::ipv4);
    const std::string names[] = {"gue"};
    const uint16_t port = kGuePort;
    const auto sockets = openTunnelSockets(names, {&port, 1}, DecapRules::make({&from, 1}, {&to, 1}).value(),
                                           {.mergesDatagrams = mergesDatagrams});
    REQUIRE(sockets.ok());
    if (mergesDatagrams) {
      REQUIRE(testing::run(
          "ip link set lo up && ip address add 10.0.0.17/32 dev lo && ip address add 10.0.0.11/32 dev lo"));
    }
    sendTogether(Bytes(250, 0x5a), 100, Family::ipv4);
    uint8_t bytes[65536];
    struct alignas(cmsghdr) {
      uint8_t bytes[kTunnelControlBytes];
    } control;
    iovec part{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    const ssize_t length = ::recvmsg(sockets.value()[0].fd.get(), &message, 0);
    CHECK_EQ(length, mergesDatagrams ? 250 : 100);
    CHECK_EQ(message.msg_flags & MSG_CTRUNC, 0);
    CHECK_EQ(datagramBytes(message, static_cast<size_t>(length)), 100u);
  }
}

TEST("a message whose segment size is a lie is one datagram") {
  struct alignas(cmsghdr) {
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
  } control{};
  msghdr message{};
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  const auto told = [&](int size, size_t headerBytes = CMSG_LEN(sizeof(int))) {
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    *part = {.cmsg_len = headerBytes, .cmsg_level = IPPROTO_UDP, .cmsg_type = 104};
    std::memcpy(CMSG_DATA(part), &size, sizeof size);
    return datagramBytes(message, 1000);
  };
  CHECK_EQ(told(400), 400u);
  CHECK_EQ(told(999), 999u);
  for (const int lie : {0, -1, 1000, 1001, 70000}) CHECK_EQ(told(lie), 1000u);
  CHECK_EQ(told(400, CMSG_LEN(2)), 1000u);
  message.msg_controllen = 0;
  CHECK_EQ(datagramBytes(message, 1000), 1000u);
}

TEST_IN_NAMESPACE("only the sockets that packets can come by are opened, and mistakes are named") {
  const auto rulesOf = [](const char* director, const char* virtualAddress) {
    const AddressPrefix from = AddressPrefix::of(address(director));
    const IpAddress to = address(virtualAddress);
    return DecapRules::make({&from, 1}, {&to, 1}).value();
  };
  const uint16_t port = kGuePort;
  const auto count = [&](std::vector<std::string> names, const DecapRules& rules) {
    const auto sockets = openTunnelSockets(names, {&port, 1}, rules);
    return sockets ? sockets.value().size() : size_t{0};
  };
  const DecapRules fours = rulesOf("10.0.0.1", "192.0.2.10"), mixed = rulesOf("2001:db8::1", "192.0.2.10");
  CHECK_EQ(count({"ipip"}, fours), 1u);
  CHECK_EQ(count({"ipip", "gue", "gre"}, fours), 3u);
  CHECK_EQ(count({"ipip"}, mixed), 1u);

  const std::string unknown[] = {"vxlan"}, gue[] = {"gue"};
  CHECK(!openTunnelSockets({}, {}, fours).ok());
  const auto refused = openTunnelSockets(unknown, {}, fours);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("vxlan") != std::string::npos);
  CHECK(!openTunnelSockets(gue, {}, fours).ok());
  const auto first = openTunnelSockets(gue, {&port, 1}, fours);
  REQUIRE(first.ok());
  const auto second = openTunnelSockets(gue, {&port, 1}, fours);
  REQUIRE(!second.ok());
  CHECK(second.error().code == ErrorCode::busy);
  CHECK(second.error().message.find("6080") != std::string::npos);
}

}  // namespace
}  // namespace tunvs::tunnel_socket_test
