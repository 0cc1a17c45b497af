// Sockets that send datagrams to a multicast group by one interface, and take them from there.
//
// Thread safety: pure system calls; a socket belongs to whoever opened it.
#pragma once

#include <cstdint>
#include <string>

#include "core/inet.h"
#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

struct MulticastOptions {
  std::string interface;
  IpAddress group;  // a multicast address
  uint16_t port = 0;
  uint8_t ttl = 1;      // of what is sent; [1, 255]
  int bufferBytes = 0;  // of the socket; 0: the host's default
};

// Returns the interface's MTU, in bytes.
Result<uint32_t> mtuOfInterface(const std::string& interface);

// Opens a socket whose datagrams go to the group, from the interface's own address. They may be fragmented, and do not
// come back to this host. It does not block.
Result<UniqueFd> openMulticastSender(const MulticastOptions& options);
// Opens a socket that takes what comes in for the group and the port by the interface, whoever has sent it. Others on
// this host may have the same port. It does not block, and tells with each datagram how many it has lost (SO_RXQ_OVFL).
Result<UniqueFd> openMulticastReceiver(const MulticastOptions& options);

}  // namespace tunvs
