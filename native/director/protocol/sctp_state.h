// SCTP states as seen by a director that gets only the client's packets, or those of both sides, with IPVS's numbers,
// names and timeouts.
#pragma once

#include <cstdint>
#include <string_view>

#include "director/protocol/side.h"
#include "packet/transport_event.h"

namespace tunvs {

enum class SctpState : uint8_t {
  none,
  init1,
  init,
  cookieSent,
  cookieReplied,
  cookieWait,
  cookie,
  cookieEchoed,
  established,
  shutdownSent,
  shutdownReceived,
  shutdownAckSent,
  rejected,
  closed,
  kCount,
};
inline constexpr size_t kSctpStates = static_cast<size_t>(SctpState::kCount);

inline constexpr std::string_view kSctpStateNames[kSctpStates] = {
    "NONE",     "INIT1",       "INIT",   "C-SENT",     "C-REPLIED",  "C-WAIT",   "COOKIE",
    "C-ECHOED", "ESTABLISHED", "S-SENT", "S-RECEIVED", "S-ACK-SENT", "REJECTED", "CLOSED"};

// In seconds.
inline constexpr uint32_t kSctpDefaultTimeouts[kSctpStates] = {2, 4, 61, 61, 61, 61, 61, 61, 900, 61, 61, 61, 4, 61};

constexpr bool isActive(SctpState state) { return state == SctpState::established; }

// Returns the state after a client's packet, if the server's are not seen.
SctpState nextSctpState(SctpState now, SctpEvent event);

// Returns the state after a packet of `side`.
SctpState nextSctpState(SctpState now, SctpEvent event, Side side);

}  // namespace tunvs
