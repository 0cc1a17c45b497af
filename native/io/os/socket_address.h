// Addresses of IP sockets, to and from the form that system calls take.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

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

}  // namespace tunvs
