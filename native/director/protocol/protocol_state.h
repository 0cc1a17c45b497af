// The state of a connection, whatever its protocol. This is the one place that knows which table, name and timeout
// apply.
#pragma once

#include <string_view>

#include "director/protocol/protocols.h"
#include "director/protocol/tcp_state_two_sided.h"
#include "director/protocol/tunables.h"

namespace tunvs {

// States are the protocols' own numbers. A new connection begins in 0, and UDP has only 0. `isSecured`: as with
// secure_tcp. This is the state after a client's packet, if the server's are not seen.
inline uint8_t nextState(uint8_t protocol, uint8_t state, uint8_t event, bool isSecured) {
  switch (protocol) {
    case kTcpProtocol:
      return static_cast<uint8_t>(nextTcpState(static_cast<TcpState>(state), static_cast<TcpEvent>(event), isSecured));
    case kSctpProtocol:
      return static_cast<uint8_t>(nextSctpState(static_cast<SctpState>(state), static_cast<SctpEvent>(event)));
    default: return 0;
  }
}

// Returns the state after a packet of `side`. The other one is apart so that the packet path does not ask for the side.
inline uint8_t nextState(uint8_t protocol, uint8_t state, uint8_t event, bool isSecured, Side side) {
  switch (protocol) {
    case kTcpProtocol:
      return static_cast<uint8_t>(
          nextTcpState(static_cast<TcpState>(state), static_cast<TcpEvent>(event), isSecured, side));
    case kSctpProtocol:
      return static_cast<uint8_t>(nextSctpState(static_cast<SctpState>(state), static_cast<SctpEvent>(event), side));
    default: return 0;
  }
}

// Returns how many states a protocol has.
inline size_t stateCount(uint8_t protocol) {
  switch (protocol) {
    case kTcpProtocol: return kTcpStates;
    case kSctpProtocol: return kSctpStates;
    default: return 1;
  }
}

// Returns the state of a connection that a director meets in its middle.
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

// Tells whether a packet of `side` that has led to this state shows that the client is in earnest, which assures the
// template of its persistence (TemplateState::assured). For UDP, only an answer shows that.
inline bool assuresTemplate(uint8_t protocol, uint8_t state, Side side) {
  if (protocol == kUdpProtocol) return side == Side::server;
  return state == establishedState(protocol);
}

// How far a connection has come, as far as the packets tell that the director sees.
enum class Phase : uint8_t { begun, opening, established, closing };

constexpr Phase phaseOf(TcpState state) {
  switch (state) {
    case TcpState::synSent:
    case TcpState::synRecv:
    case TcpState::synAck: return Phase::opening;
    case TcpState::established: return Phase::established;
    case TcpState::finWait:
    case TcpState::timeWait:
    case TcpState::close:
    case TcpState::closeWait:
    case TcpState::lastAck: return Phase::closing;
    default: return Phase::begun;
  }
}
constexpr Phase phaseOf(SctpState state) {
  switch (state) {
    case SctpState::none: return Phase::begun;
    case SctpState::established: return Phase::established;
    case SctpState::shutdownSent:
    case SctpState::shutdownReceived:
    case SctpState::shutdownAckSent:
    case SctpState::rejected:
    case SctpState::closed: return Phase::closing;
    default: return Phase::opening;
  }
}
inline Phase phaseOf(uint8_t protocol, uint8_t state) {
  switch (protocol) {
    case kTcpProtocol: return phaseOf(static_cast<TcpState>(state));
    case kSctpProtocol: return phaseOf(static_cast<SctpState>(state));
    default: return Phase::established;  // UDP has nothing to establish
  }
}

// Tells whether only copies and packets already under way can still come. TIME_WAIT is not among these: a FIN right
// behind the SYN leads there, and the client goes on.
inline bool isClosed(uint8_t protocol, uint8_t state) {
  return (protocol == kTcpProtocol && static_cast<TcpState>(state) == TcpState::close) ||
         (protocol == kSctpProtocol &&
          (static_cast<SctpState>(state) == SctpState::closed || static_cast<SctpState>(state) == SctpState::rejected));
}

// `own` holds the service's timeouts, 0 for those that it does not set; null when it sets none.
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
