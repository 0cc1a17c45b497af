// The sockets that tunnel packets come out of: a raw one for each IP protocol and outer family, a UDP one for each port
// of GUE and outer family.
//
// Thread safety: none.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <vector>

#include "core/result.h"
#include "io/os/unique_fd.h"
#include "realserver/decap.h"

namespace tunvs {

struct TunnelSocket {
  UniqueFd fd;  // non-blocking
  const Encapsulation* encapsulation = nullptr;
  Family outer = Family::ipv4;

  // What was received with `message`, whose buffer holds `bytes`. The outer header is in the buffer of raw IPv4 sockets
  // only; of the others, and for that reason, source and ECN come beside it.
  Decapsulated decapsulate(const msghdr& message, std::span<uint8_t> bytes, const DecapRules& rules) const;
  // Packets that the kernel dropped since the buffer was full.
  uint64_t dropped() const;
};

// Room for what a message carries beside its bytes.
inline constexpr size_t kTunnelControlBytes = CMSG_SPACE(sizeof(int));
using TunnelSourceAddress = sockaddr_storage;

// Those that tunnel packets of these encapsulations can come by, given the families of directors and virtual addresses.
// An Error also names an encapsulation that does not exist, none at all, and a port that is taken.
Result<std::vector<TunnelSocket>> openTunnelSockets(std::span<const std::string> encapsulations,
                                                    std::span<const uint16_t> guePorts, const DecapRules& rules);

}  // namespace tunvs
