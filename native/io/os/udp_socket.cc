#include "io/os/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "io/os/socket_address.h"

namespace tunvs {
namespace {

constexpr size_t kIpv4UdpBytes = 28, kIpv6UdpBytes = 48;
constexpr int kLeastMtu = 576;

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

Result<UniqueFd> openUdpTo(const UdpOptions& options) {
  auto opened = open(options);
  if (!opened) return opened;
  const int fd = opened.value().get();
  if (options.bufferBytes != 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options.bufferBytes, sizeof(int));
  sockaddr_storage to{};
  const socklen_t length = toSocketAddress(to, options.address, options.port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), length) != 0)
    return Error::fromErrno(errno, "connect", "can't send to " + placeOf(options) + ": this host has no way there");
  return opened;
}

Result<UniqueFd> openUdpAt(const UdpOptions& options) {
  auto opened = open(options);
  if (!opened) return opened;
  const int fd = opened.value().get(), on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
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

size_t unfragmentedBytes(int socket, const IpAddress& to) {
  int mtu = 0;
  socklen_t length = sizeof mtu;
  const bool isV4 = to.isV4();
  const int found = isV4 ? ::getsockopt(socket, IPPROTO_IP, IP_MTU, &mtu, &length)
                         : ::getsockopt(socket, IPPROTO_IPV6, IPV6_MTU, &mtu, &length);
  if (found != 0 || mtu < kLeastMtu) mtu = kLeastMtu;
  return static_cast<size_t>(mtu) - (isV4 ? kIpv4UdpBytes : kIpv6UdpBytes);
}

}  // namespace tunvs
