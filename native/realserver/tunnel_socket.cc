#include "realserver/tunnel_socket.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>

#include "io/os/socket_buffer.h"

namespace tunvs {
namespace {

// The buffer holds what arrives while the thread is not scheduled: 100 ms of full-size packets at 800 Mbit/s.
constexpr int kReceiveBufferBytes = 16 << 20;
constexpr int kUdpNoChecksum6 = 102;  // UDP_NO_CHECK6_RX of linux/udp.h, Linux 3.15
constexpr int kUdpGro = 104;          // UDP_GRO of linux/udp.h, Linux 5.0

Error openFailure(int error, const std::string& what) {
  if (error == EPERM || error == EACCES) {
    return Error{ErrorCode::permission,
                 "receiving tunnel packets needs a raw socket and so CAP_NET_RAW: run as root or give the capability",
                 error, "socket"};
  }
  return Error::fromErrno(error, "socket", "can't open " + what);
}

bool enable(int fd, int level, int option) {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

Result<UniqueFd> openSocket(Family outer, int type, int protocol, const std::string& what,
                            TunnelSocketOptions options) {
  const int family = outer == Family::ipv4 ? AF_INET : AF_INET6;
  UniqueFd fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd) return openFailure(errno, what);
  raiseReceiveBuffer(fd.get(), kReceiveBufferBytes);
  const bool tellsEcn = outer == Family::ipv4 ? enable(fd.get(), IPPROTO_IP, IP_RECVTOS)
                                              : enable(fd.get(), IPPROTO_IPV6, IPV6_RECVTCLASS);
  if (!tellsEcn) return Error::fromErrno(errno, "setsockopt", "can't see the traffic class of tunnel packets");
  if (!options.tellsDevices) return fd;
  const bool tellsDevice = outer == Family::ipv4 ? enable(fd.get(), IPPROTO_IP, IP_PKTINFO)
                                                 : enable(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO);
  if (!tellsDevice) return Error::fromErrno(errno, "setsockopt", "can't see the devices of tunnel packets");
  return fd;
}

Result<UniqueFd> openRaw(Family outer, IpProtocol protocol, TunnelSocketOptions options) {
  const int number = static_cast<int>(protocol);
  return openSocket(outer, SOCK_RAW, number, "a raw socket for protocol " + std::to_string(number), options);
}

Result<UniqueFd> openUdp(Family outer, uint16_t port, TunnelSocketOptions options) {
  const std::string what = "UDP port " + std::to_string(port) + " for GUE";
  auto fd = openSocket(outer, SOCK_DGRAM, 0, what, options);
  if (!fd) return fd;
  sockaddr_storage any{};
  socklen_t length;
  if (outer == Family::ipv4) {
    auto& address = reinterpret_cast<sockaddr_in&>(any);
    address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
    length = sizeof address;
  } else {
    auto& address = reinterpret_cast<sockaddr_in6&>(any);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    length = sizeof address;
    // A director without checksums sends UDP checksum 0, which IPv6 accepts only by agreement (RFC 6935).
    if (!enable(fd.value().get(), IPPROTO_IPV6, IPV6_V6ONLY) ||
        !enable(fd.value().get(), IPPROTO_UDP, kUdpNoChecksum6)) {
      return Error::fromErrno(errno, "setsockopt", "can't prepare " + what);
    }
  }
  // A kernel that refuses this hands out each datagram by itself.
  if (options.mergesDatagrams) enable(fd.value().get(), IPPROTO_UDP, kUdpGro);
  if (::bind(fd.value().get(), reinterpret_cast<const sockaddr*>(&any), length) < 0) {
    const int error = errno;
    if (error != EADDRINUSE) return Error::fromErrno(error, "bind", "can't open " + what);
    return Error{ErrorCode::busy,
                 what + " is taken: choose another, or end what holds it (\"ip fou show\" and \"ss -lunp\" tell)",
                 error, "bind"};
  }
  return fd;
}

// Returns the family that the encapsulation carries; nullopt when its own header tells.
std::optional<Family> innerFamilyOf(const Encapsulation& encapsulation) {
  if (encapsulation.protocol == IpProtocol::ipip) return Family::ipv4;
  if (encapsulation.protocol == IpProtocol::ipv6) return Family::ipv6;
  return std::nullopt;
}

IpAddress sourceOf(const sockaddr_storage& from) {
  if (from.ss_family == AF_INET6) {
    return IpAddress::v6(reinterpret_cast<const sockaddr_in6&>(from).sin6_addr.s6_addr);
  }
  return IpAddress::v4(Be32{reinterpret_cast<const sockaddr_in&>(from).sin_addr.s_addr});
}

// Calls `each` with what a message carries beside its bytes.
template <typename Each>
void forEachControl(const msghdr& message, Each each) {
  for (const cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(part)))
    each(*part);
}

uint8_t ecnOf(const msghdr& message) {
  uint8_t ecn = 0;
  forEachControl(message, [&](const cmsghdr& part) {
    if (part.cmsg_level == IPPROTO_IP && part.cmsg_type == IP_TOS) ecn = *CMSG_DATA(&part) & 0x03;
    if (part.cmsg_level == IPPROTO_IPV6 && part.cmsg_type == IPV6_TCLASS)
      ecn = static_cast<uint8_t>(loadUnaligned<int>(CMSG_DATA(&part)) & 0x03);
  });
  return ecn;
}

}  // namespace

Decapsulated TunnelSocket::decapsulate(const msghdr& message, std::span<uint8_t> bytes, const DecapRules& rules) const {
  if (outer == Family::ipv4 && encapsulation->protocol != IpProtocol::udp) {
    return decapsulateIpv4(bytes, *encapsulation, rules);
  }
  const auto& from = *static_cast<const TunnelSourceAddress*>(message.msg_name);
  return tunvs::decapsulate({.source = sourceOf(from), .ecn = ecnOf(message), .bytes = bytes}, *encapsulation, rules);
}

std::optional<DecapTunnel> TunnelSocket::tunnelOf(const msghdr& message) const {
  DecapTunnel tunnel{};
  const IpAddress from = sourceOf(*static_cast<const TunnelSourceAddress*>(message.msg_name));
  std::memcpy(tunnel.source, from.bytes.data(), from.isV4() ? 4 : 16);
  forEachControl(message, [&](const cmsghdr& part) {
    if (part.cmsg_level == IPPROTO_IP && part.cmsg_type == IP_PKTINFO &&
        part.cmsg_len >= CMSG_LEN(sizeof(in_pktinfo))) {
      const auto info = loadUnaligned<in_pktinfo>(CMSG_DATA(&part));
      tunnel.interfaceIndex = static_cast<uint32_t>(info.ipi_ifindex);
      std::memcpy(tunnel.destination, &info.ipi_addr, 4);
    }
    if (part.cmsg_level == IPPROTO_IPV6 && part.cmsg_type == IPV6_PKTINFO &&
        part.cmsg_len >= CMSG_LEN(sizeof(in6_pktinfo))) {
      const auto info = loadUnaligned<in6_pktinfo>(CMSG_DATA(&part));
      tunnel.interfaceIndex = info.ipi6_ifindex;
      std::memcpy(tunnel.destination, &info.ipi6_addr, 16);
    }
  });
  if (tunnel.interfaceIndex == 0) return std::nullopt;
  tunnel.port = htons(port);
  tunnel.protocol = static_cast<uint8_t>(encapsulation->protocol);
  tunnel.isIpv6 = outer == Family::ipv6 ? 1 : 0;
  return tunnel;
}

size_t datagramBytes(const msghdr& message, size_t bytes) {
  size_t each = bytes;
  forEachControl(message, [&](const cmsghdr& part) {
    if (part.cmsg_level != IPPROTO_UDP || part.cmsg_type != kUdpGro || part.cmsg_len < CMSG_LEN(sizeof(int))) return;
    const int said = loadUnaligned<int>(CMSG_DATA(&part));
    if (said > 0 && static_cast<size_t>(said) < bytes) each = static_cast<size_t>(said);
  });
  return each;
}

uint64_t TunnelSocket::dropped() const {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t length = sizeof memory;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_MEMINFO, memory, &length) == 0 ? memory[SK_MEMINFO_DROPS] : 0;
}

Result<std::vector<TunnelSocket>> openTunnelSockets(std::span<const std::string> encapsulations,
                                                    std::span<const uint16_t> guePorts, const DecapRules& rules,
                                                    TunnelSocketOptions options) {
  if (encapsulations.empty()) return Error::make(ErrorCode::invalidArgument, "at least one encapsulation is needed");
  for (const std::string& name : encapsulations) {
    const bool isKnown = std::ranges::any_of(kEncapsulations, [&](const Encapsulation& e) { return e.name == name; });
    if (!isKnown) return Error::make(ErrorCode::invalidArgument, "there is no encapsulation \"" + name + "\"");
    if (name == "gue" && guePorts.empty()) {
      return Error::make(ErrorCode::invalidArgument, "GUE needs the UDP port that the director sends to");
    }
  }
  std::vector<TunnelSocket> sockets;
  const auto add = [&](const Encapsulation& encapsulation, Family outer, Result<UniqueFd> fd,
                       uint16_t port = 0) -> Result<void> {
    if (!fd) return fd.error();
    sockets.push_back({std::move(fd).value(), &encapsulation, outer, port});
    return {};
  };
  for (const Encapsulation& encapsulation : kEncapsulations) {
    if (std::ranges::find(encapsulations, encapsulation.name) == encapsulations.end()) continue;
    const auto inner = innerFamilyOf(encapsulation);
    if (inner && !rules.hasVirtualAddress(*inner)) continue;
    for (const Family outer : {Family::ipv4, Family::ipv6}) {
      if (!rules.hasDirector(outer)) continue;
      if (encapsulation.protocol != IpProtocol::udp) {
        if (auto added = add(encapsulation, outer, openRaw(outer, encapsulation.protocol, options)); !added)
          return added.error();
        continue;
      }
      for (const uint16_t port : guePorts) {
        if (auto added = add(encapsulation, outer, openUdp(outer, port, options), port); !added) return added.error();
      }
    }
  }
  return sockets;
}

}  // namespace tunvs
