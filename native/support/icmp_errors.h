// Makes ICMP errors about a test director's tunnel packets, as a router on the way sends them.
#pragma once

#include "support/raw_bytes.h"

namespace tunvs::testing {

inline const IpAddress kDirector = IpAddress::v4(10, 0, 0, 1);  // TestDirector's source
inline const IpAddress kRouter = IpAddress::v4(10, 0, 0, 254);

// Quotes at most `bytes` of the packet.
inline Bytes fragmentationNeeded(Bytes quoted, uint16_t mtu, size_t bytes = SIZE_MAX) {
  quoted.resize(std::min(quoted.size(), bytes));
  return icmpPacket(kRouter, kDirector, 3, 4, mtu, quoted);
}

}  // namespace tunvs::testing
