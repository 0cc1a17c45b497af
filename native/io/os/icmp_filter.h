// The option of a raw ICMP socket that says which types it is given. <linux/icmp.h> has it, and collides with
// <netinet/ip_icmp.h>.
//
// Thread safety: pure system calls.
#pragma once

#include <sys/socket.h>

#include <cstdint>

namespace tunvs {

// A set bit of `refused` keeps the type with that number away from the socket. Returns what setsockopt() returns.
inline int filterIcmp4(int socket, uint32_t refused) {
  constexpr int kRawLevel = 255, kIcmpFilter = 1;
  return ::setsockopt(socket, kRawLevel, kIcmpFilter, &refused, sizeof refused);
}

}  // namespace tunvs
