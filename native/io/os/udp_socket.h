// UDP sockets that do not block, and whose datagrams may be fragmented on their way.
//
// Thread safety: pure system calls; a socket belongs to whoever opened it.
#pragma once

#include <cstdint>
#include <string>

#include "core/inet.h"
#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

struct UdpOptions {
  IpAddress address;  // the other's, or the own one: then the unspecified one takes what is for any
  uint16_t port = 0;
  std::string interface;  // by which datagrams leave or come in; "": any
  int bufferBytes = 0;    // 0: the host's default
};

// Opens a socket whose datagrams go to the address and come from there.
Result<UniqueFd> openUdpTo(const UdpOptions& options);
// Opens a socket that takes what comes for the address and the port. It tells with each datagram how many it has lost
// (SO_RXQ_OVFL). At the unspecified address of IPv6 it takes what comes by IPv4, too.
Result<UniqueFd> openUdpAt(const UdpOptions& options);
// Returns how many bytes a datagram of a socket by openUdpTo() carries without being fragmented, as far as the host
// knows.
size_t unfragmentedBytes(int socket, const IpAddress& to);

}  // namespace tunvs
