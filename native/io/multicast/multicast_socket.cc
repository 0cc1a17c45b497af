#include "io/multicast/multicast_socket.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "io/os/socket_address.h"

namespace tunvs {
namespace {

Error noInterface(const std::string& name) {
  return Error::make(ErrorCode::noDevice, "there is no interface " + name + ": name one that this host has");
}

template <typename Value>
Result<void> set(int socket, int level, int option, const Value& value, const char* what) {
  if (::setsockopt(socket, level, option, &value, sizeof value) == 0) return {};
  return Error::fromErrno(errno, "setsockopt", std::string("can't ") + what);
}

// Runs steps that give a Result<void> until one fails.
template <typename... Steps>
Result<void> each(Steps... steps) {
  Result<void> done;
  const auto run = [&](auto& step) {
    if (done) done = step();
    return done.ok();
  };
  static_cast<void>((run(steps) && ...));
  return done;
}

Result<UniqueFd> open(const MulticastOptions& options, unsigned& index) {
  index = ::if_nametoindex(options.interface.c_str());
  if (index == 0) return noInterface(options.interface);
  const int family = options.group.isV4() ? AF_INET : AF_INET6;
  UniqueFd fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::fromErrno(errno, "socket", "can't make a socket for connection sync");
  return fd;
}

socklen_t groupAddress(sockaddr_storage& storage, const MulticastOptions& options, unsigned index) {
  const socklen_t length = toSocketAddress(storage, options.group, options.port);
  if (!options.group.isV4()) reinterpret_cast<sockaddr_in6&>(storage).sin6_scope_id = index;
  return length;
}

ip_mreqn membership(const MulticastOptions& options, unsigned index) {
  ip_mreqn request{};
  request.imr_multiaddr.s_addr = options.group.asV4().raw;
  request.imr_ifindex = static_cast<int>(index);
  return request;
}

std::string placeOf(const MulticastOptions& options) {
  return toString(options.group) + " port " + std::to_string(options.port) + " on " + options.interface;
}

}  // namespace

Result<uint32_t> mtuOfInterface(const std::string& interface) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::fromErrno(errno, "socket", "can't make a socket");
  ifreq request{};
  if (interface.empty() || interface.size() >= sizeof request.ifr_name) return noInterface(interface);
  std::memcpy(request.ifr_name, interface.c_str(), interface.size());
  if (::ioctl(fd.get(), SIOCGIFMTU, &request) != 0) return noInterface(interface);
  return static_cast<uint32_t>(request.ifr_mtu);
}

Result<UniqueFd> openMulticastSender(const MulticastOptions& options) {
  unsigned index = 0;
  auto opened = open(options, index);
  if (!opened) return opened;
  const int fd = opened.value().get();
  const int hops = options.ttl, off = 0;
  Result<void> done;
  if (options.group.isV4()) {
    done =
        each([&] { return set(fd, IPPROTO_IP, IP_MULTICAST_IF, membership(options, index), "choose the interface"); },
             [&] { return set(fd, IPPROTO_IP, IP_MULTICAST_TTL, hops, "set the TTL"); },
             [&] { return set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, off, "keep datagrams off this host"); },
             [&] { return set(fd, IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_DONT}, "clear DF"); });
  } else {
    done =
        each([&] { return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(index), "choose the interface"); },
             [&] { return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops, "set the hop limit"); },
             [&] { return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, off, "keep datagrams off this host"); });
  }
  if (!done) return done.error();
  if (options.bufferBytes != 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options.bufferBytes, sizeof(int));
  sockaddr_storage to{};
  const socklen_t length = groupAddress(to, options, index);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), length) != 0) {
    return Error::fromErrno(errno, "connect",
                            "can't send to " + placeOf(options) + ": the interface needs an address and a route");
  }
  return opened;
}

Result<UniqueFd> openMulticastReceiver(const MulticastOptions& options) {
  unsigned index = 0;
  auto opened = open(options, index);
  if (!opened) return opened;
  const int fd = opened.value().get(), on = 1, off = 0;
  sockaddr_storage at{};
  const socklen_t length = groupAddress(at, options, index);
  const auto bindToInterface = [&]() -> Result<void> {
    const auto nameBytes = static_cast<socklen_t>(options.interface.size() + 1);
    if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, options.interface.c_str(), nameBytes) == 0) return {};
    return Error::fromErrno(errno, "setsockopt", "can't bind to the interface " + options.interface);
  };
  const auto bindToGroup = [&]() -> Result<void> {
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), length) == 0) return {};
    return Error::fromErrno(errno, "bind", "can't listen at " + placeOf(options));
  };
  const auto join = [&]() -> Result<void> {
    if (options.group.isV4()) {
      return each([&] { return set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership(options, index), "join the group"); },
                  [&] { return set(fd, IPPROTO_IP, IP_MULTICAST_ALL, off, "leave other groups alone"); });
    }
    ipv6_mreq request{};
    std::memcpy(&request.ipv6mr_multiaddr, options.group.bytes.data(), 16);
    request.ipv6mr_interface = index;
    return set(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request, "join the group");
  };
  const auto done = each([&] { return set(fd, SOL_SOCKET, SO_REUSEADDR, on, "share the port"); },
                         [&] { return set(fd, SOL_SOCKET, SO_RXQ_OVFL, on, "count lost datagrams"); }, bindToInterface,
                         bindToGroup, join);
  if (!done) return done.error();
  if (options.bufferBytes != 0) ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.bufferBytes, sizeof(int));
  return opened;
}

}  // namespace tunvs
