// The sockets that tunnel packets come out of: a raw one for each IP protocol and outer family, and a UDP one for each
// port of GUE and outer family.
//
// Thread safety: none.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <vector>

#include "core/result.h"
#include "io/os/unique_fd.h"
#include "realserver/bpf/layout.h"
#include "realserver/decap.h"

namespace tunvs {

struct TunnelSocket {
  UniqueFd fd;  // non-blocking
  const Encapsulation* encapsulation = nullptr;
  Family outer = Family::ipv4;
  uint16_t port = 0;  // GUE's, host order

  // Decapsulates what was received with `message`, whose buffer holds `bytes`. Only raw IPv4 sockets have the outer
  // header in the buffer; therefore the others deliver source and ECN beside it.
  Decapsulated decapsulate(const msghdr& message, std::span<uint8_t> bytes, const DecapRules& rules) const;
  // Returns by which tunnel a message came; nullopt where the kernel did not say by which device.
  std::optional<DecapTunnel> tunnelOf(const msghdr& message) const;
  // Returns how many packets the kernel dropped because the buffer was full.
  uint64_t dropped() const;
};

// Room for what a message carries beside its bytes.
inline constexpr size_t kTunnelControlBytes = 2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in6_pktinfo));
using TunnelSourceAddress = sockaddr_storage;

// Returns how long each datagram of a message is that holds several, one behind another, of which only the last may be
// shorter. Returns `bytes`, the length of all, when the message holds one.
size_t datagramBytes(const msghdr& message, size_t bytes);

struct TunnelSocketOptions {
  bool mergesDatagrams = true;  // a GUE socket may hand out several datagrams as one message, where the kernel can
  bool tellsDevices = false;    // messages say by which device they came, for tunnelOf()
};

// Opens the sockets that tunnel packets of these encapsulations can come by, given the families of directors and
// virtual addresses. Fails, and names the mistake, also when an encapsulation does not exist, none is given, or a port
// is taken.
Result<std::vector<TunnelSocket>> openTunnelSockets(std::span<const std::string> encapsulations,
                                                    std::span<const uint16_t> guePorts, const DecapRules& rules,
                                                    TunnelSocketOptions options = {});

}  // namespace tunvs
