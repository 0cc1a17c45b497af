// The state of a connection, whatever its protocol: one place that knows which table, name and timeout apply.
#pragma once

#include <string_view>

#include "director/protocols.h"
#include "director/tunables.h"

namespace tunvs {

// States are the protocols' own numbers; a new connection begins in 0. UDP has only 0. `isSecured`: as with secure_tcp.
inline uint8_t nextState(uint8_t protocol, uint8_t state, uint8_t event, bool isSecured) {
  switch (protocol) {
    case kTcpProtocol:
      return static_cast<uint8_t>(nextTcpState(static_cast<TcpState>(state), static_cast<TcpEvent>(event), isSecured));
    case kSctpProtocol:
      return static_cast<uint8_t>(nextSctpState(static_cast<SctpState>(state), static_cast<SctpEvent>(event)));
    default: return 0;
  }
}

// What a connection was in that a director meets in its middle.
inline uint8_t establishedState(uint8_t protocol) {
  switch (protocol) {
    case kTcpProtocol: return static_cast<uint8_t>(TcpState::established);
    case kSctpProtocol: return static_cast<uint8_t>(SctpState::established);
    default: return 0;
  }
}

inline bool isActiveState(uint8_t protocol, uint8_t state) {
  switch (protocol) {
    case kTcpProtocol: return isActive(static_cast<TcpState>(state));
    case kSctpProtocol: return isActive(static_cast<SctpState>(state));
    default: return false;
  }
}

// `own`: the service's timeouts, 0 where it has none; null when it has none at all.
inline Tick timeoutOf(const Tunables& tunables, const TimeoutTicks* own, uint8_t protocol, uint8_t state) {
  const size_t index = timeoutIndex(protocol, state);
  if (own != nullptr && (*own)[index] != 0) [[unlikely]]
    return (*own)[index];
  return tunables.timeouts[index];
}

inline std::string_view stateName(uint8_t protocol, uint8_t state) {
  switch (protocol) {
    case kTcpProtocol: return kTcpStateNames[state];
    case kSctpProtocol: return kSctpStateNames[state];
    default: return "UDP";
  }
}

}  // namespace tunvs
