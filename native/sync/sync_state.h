// How many states each protocol has on the wire. Their numbers are IPVS's, which are the director's own too.
#pragma once

#include <cstdint>

#include "core/inet.h"

namespace tunvs {

inline constexpr uint16_t kSyncTemplateStates = 2;  // not assured, and assured

// Returns 0 for a protocol whose connections are not told.
constexpr uint16_t syncStatesOf(uint8_t protocol) {
  switch (static_cast<IpProtocol>(protocol)) {
    case IpProtocol::tcp: return 11;
    case IpProtocol::udp: return 1;
    case IpProtocol::sctp: return 14;
    default: return 0;
  }
}

}  // namespace tunvs
