// Addresses of IP sockets, to and from the form that system calls take.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "core/inet.h"

namespace tunvs {

// Fills in the address, and returns its length. `port` is in host order.
inline socklen_t toSocketAddress(sockaddr_storage& storage, const IpAddress& address, uint16_t port = 0) {
  storage = {};
  if (address.isV4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    in.sin_addr.s_addr = address.asV4().raw;
    return sizeof in;
  }
  auto& in = reinterpret_cast<sockaddr_in6&>(storage);
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  std::memcpy(&in.sin6_addr, address.bytes.data(), 16);
  return sizeof in;
}

// Returns an address of IPv4 for one that stands for it ("mapped").
inline IpAddress addressOf(const in6_addr& in6) {
  const uint8_t* bytes = in6.s6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&in6)) return IpAddress::v4(Be32{loadUnaligned<uint32_t>(bytes + 12)});
  IpAddress address;
  address.family = Family::ipv6;
  std::memcpy(address.bytes.data(), bytes, 16);
  return address;
}

// Does the reverse, for sockets of IPv6.
inline in6_addr toIn6(const IpAddress& address) {
  in6_addr in6{};
  if (address.isV4()) {
    in6.s6_addr[10] = in6.s6_addr[11] = 0xff;
    std::memcpy(&in6.s6_addr[12], address.bytes.data(), 4);
  } else {
    std::memcpy(&in6, address.bytes.data(), 16);
  }
  return in6;
}

// Returns the address and the port, in host order. The storage holds an address of either family.
inline std::pair<IpAddress, uint16_t> fromSocketAddress(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    return {IpAddress::v4(Be32{in.sin_addr.s_addr}), ntohs(in.sin_port)};
  }
  const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
  return {addressOf(in.sin6_addr), ntohs(in.sin6_port)};
}

}  // namespace tunvs
