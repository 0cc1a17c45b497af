// TCP states as a director sees them that gets the client's packets only, with IPVS's numbers, names and timeouts.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/transport_event.h"

namespace tunvs {

enum class TcpState : uint8_t {
  none, established, synSent, synRecv, finWait, timeWait, close, closeWait, lastAck, listen, synAck, kCount,
};
inline constexpr size_t kTcpStates = static_cast<size_t>(TcpState::kCount);

inline constexpr std::string_view kTcpStateNames[kTcpStates] = {
    "NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "SYNACK"};

// Seconds.
inline constexpr uint32_t kTcpDefaultTimeouts[kTcpStates] = {2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120};

// Counted in a server's active connections, not in the inactive ones.
constexpr bool isActive(TcpState state) {
  return state == TcpState::established || state == TcpState::synSent || state == TcpState::synRecv ||
         state == TcpState::synAck;
}

// The state after a client's packet.
TcpState nextTcpState(TcpState now, TcpEvent event);

}  // namespace tunvs
