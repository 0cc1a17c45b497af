#include "io/os/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/os/socket_address.h"

namespace tunvs {
namespace {

constexpr int kLeastMtu = 576, kUsualMtu = 1500;

std::string placeOf(const UdpOptions& options) {
  std::string place = toString(options.address) + " port " + std::to_string(options.port);
  if (!options.interface.empty()) place += " on " + options.interface;
  return place;
}

Result<UniqueFd> open(const UdpOptions& options) {
  const bool isV4 = options.address.isV4();
  UniqueFd fd(::socket(isV4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::fromErrno(errno, "socket", "can't make a socket for connection sync");
  if (!options.interface.empty()) {
    const auto bytes = static_cast<socklen_t>(options.interface.size() + 1);
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, options.interface.c_str(), bytes) != 0)
      return Error::fromErrno(errno, "setsockopt", "can't bind to the interface " + options.interface);
  }
  const int fragments = IP_PMTUDISC_DONT, no = 0;
  if (isV4) {
    ::setsockopt(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, &fragments, sizeof fragments);
  } else {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, &fragments, sizeof fragments);
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  }
  return fd;
}

}  // namespace

Result<UniqueFd> openUdpFor(const UdpOptions& options) {
  auto opened = open(options);
  if (!opened) return opened;
  const int fd = opened.value().get();
  if (options.bufferBytes != 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options.bufferBytes, sizeof(int));
  reconnectUdp(fd, options);
  return opened;
}

bool reconnectUdp(int socket, const UdpOptions& options) {
  sockaddr_storage to{};
  to.ss_family = AF_UNSPEC;
  ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof(sockaddr_in6));
  const socklen_t length = toSocketAddress(to, options.address, options.port);
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&to), length) == 0;
}

Result<UniqueFd> openUdpAt(const UdpOptions& options) {
  auto opened = open(options);
  if (!opened) return opened;
  const int fd = opened.value().get(), on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  if (options.address.isV4()) {
    ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  } else {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  }
  if (options.bufferBytes != 0) ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.bufferBytes, sizeof(int));
  sockaddr_storage at{};
  const socklen_t length = toSocketAddress(at, options.address, options.port);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), length) != 0)
    return Error::fromErrno(
        errno, "bind",
        "can't listen at " + placeOf(options) +
            (errno == EADDRINUSE ? ", where another listens, which may be a director: give it another port" : ""));
  return opened;
}

std::optional<IpAddress> localAddressIn(const cmsghdr& header) {
  if (header.cmsg_level == IPPROTO_IP && header.cmsg_type == IP_PKTINFO) {
    in_pktinfo info;
    std::memcpy(&info, CMSG_DATA(&header), sizeof info);
    return IpAddress::v4(Be32{info.ipi_addr.s_addr});
  }
  if (header.cmsg_level != IPPROTO_IPV6 || header.cmsg_type != IPV6_PKTINFO) return std::nullopt;
  in6_pktinfo info;
  std::memcpy(&info, CMSG_DATA(&header), sizeof info);
  return addressOf(info.ipi6_addr);
}

size_t writeLocalAddress(std::span<uint8_t, kPacketInfoBytes> room, const IpAddress& address, bool isV4) {
  std::ranges::fill(room, uint8_t{0});
  cmsghdr header{};
  header.cmsg_level = isV4 ? IPPROTO_IP : IPPROTO_IPV6;
  header.cmsg_type = isV4 ? IP_PKTINFO : IPV6_PKTINFO;
  header.cmsg_len = isV4 ? CMSG_LEN(sizeof(in_pktinfo)) : CMSG_LEN(sizeof(in6_pktinfo));
  std::memcpy(room.data(), &header, sizeof header);
  uint8_t* const data = CMSG_DATA(reinterpret_cast<cmsghdr*>(room.data()));
  if (isV4) {
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = address.asV4().raw;
    std::memcpy(data, &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  in6_pktinfo info{};
  info.ipi6_addr = toIn6(address);
  std::memcpy(data, &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

size_t unfragmentedBytes(int socket, const IpAddress& to) {
  int mtu = 0;
  socklen_t length = sizeof mtu;
  const bool isV4 = to.isV4();
  const int found = isV4 ? ::getsockopt(socket, IPPROTO_IP, IP_MTU, &mtu, &length)
                         : ::getsockopt(socket, IPPROTO_IPV6, IPV6_MTU, &mtu, &length);
  if (found != 0) mtu = kUsualMtu;
  mtu = std::max(mtu, kLeastMtu);
  return static_cast<size_t>(mtu) - (isV4 ? kIpv4UdpBytes : kIpv6UdpBytes);
}

}  // namespace tunvs
