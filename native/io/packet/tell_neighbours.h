// Tells a LAN that this host answers for addresses now, by a raw socket on the interface.
#pragma once

#include <span>
#include <string>

#include "core/inet.h"
#include "core/result.h"

namespace tunvs {

struct NeighbourNews {
  std::string interfaceName;
  // Of both families.
  std::span<const IpAddress> addresses;
  // The source of neighbour advertisements, an IPv6 address of the interface; otherwise each comes from the address
  // that it is about.
  const IpAddress* source = nullptr;
  // The interface forwards IPv6.
  bool isRouter = false;
};

// Sends one packet for each address, without waiting; returns how many the interface took. It takes none where it has
// no hardware address of 6 bytes. Needs CAP_NET_RAW.
Result<uint32_t> tellNeighbours(const NeighbourNews& news);

}  // namespace tunvs
