// UDP sockets that do not block, and whose datagrams may be fragmented on their way.
//
// Thread safety: pure system calls; a socket belongs to whoever opened it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/inet.h"
#include "core/result.h"
#include "io/os/unique_fd.h"

namespace tunvs {

// What stands before a datagram's data, in bytes, without options.
inline constexpr size_t kIpv4UdpBytes = 28, kIpv6UdpBytes = 48;

struct UdpOptions {
  IpAddress address;  // the other's, or the own one: then the unspecified one takes what is for any
  uint16_t port = 0;
  std::string interface;  // by which datagrams leave or come in; "": any
  int bufferBytes = 0;    // 0: the host's default
};

// Opens a socket for datagrams to one address; reconnectUdp() has it send.
Result<UniqueFd> openUdpFor(const UdpOptions& options);
// Has the socket's datagrams go to the address, and come from there, by the route that the host has now. Call it again
// when the other one is not heard: a socket keeps the source address that it had when it was connected. Returns false
// while there is no route.
bool reconnectUdp(int socket, const UdpOptions& options);
// Opens a socket that takes what comes for the address and the port. It tells with each datagram how many it has lost
// (SO_RXQ_OVFL), and for which of the host's addresses it is. At the unspecified address of IPv6 it takes what comes by
// IPv4, too.
Result<UniqueFd> openUdpAt(const UdpOptions& options);
// Returns how many bytes a datagram of a socket by openUdpFor() carries without being fragmented, as far as the host
// knows; while it is not connected, as many as an Ethernet takes.
size_t unfragmentedBytes(int socket, const IpAddress& to);

// What goes along with a datagram of a socket by openUdpAt(): which of the host's addresses it is for, or is to come
// from.
inline constexpr size_t kPacketInfoBytes = CMSG_SPACE(sizeof(in6_pktinfo));
// Returns the address that this says; nothing when it says something else.
std::optional<IpAddress> localAddressIn(const cmsghdr& header);
// Writes it; `isV4` says of which family the socket is. Returns how many bytes it takes.
size_t writeLocalAddress(std::span<uint8_t, kPacketInfoBytes> room, const IpAddress& address, bool isV4);

}  // namespace tunvs
