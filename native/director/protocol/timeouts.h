// How long connections live without packets, by protocol and state: IPVS's defaults, and a service's own timeouts.
#pragma once

#include <array>
#include <string_view>

#include "core/result.h"
#include "core/ticks.h"
#include "director/protocol/protocols.h"
#include "director/protocol/sctp_state.h"
#include "director/protocol/tcp_state.h"

namespace tunvs {

inline constexpr uint32_t kMaxTimeoutSeconds = 2678400;  // 31 days, ipvsadm's limit
inline constexpr uint32_t kUdpDefaultTimeout = 300;      // seconds

// Every state of every protocol has a number here: first TCP's states, then SCTP's, then the one of UDP.
inline constexpr size_t kTimeoutStates = kTcpStates + kSctpStates + 1;
inline constexpr size_t kFirstSctpTimeout = kTcpStates;
inline constexpr size_t kUdpTimeout = kTimeoutStates - 1;

inline constexpr std::string_view kTimeoutNames[kTimeoutStates] = {
    "none",
    "established",
    "synSent",
    "synRecv",
    "finWait",
    "timeWait",
    "close",
    "closeWait",
    "lastAck",
    "listen",
    "synAck",
    "sctpNone",
    "sctpInit1",
    "sctpInit",
    "sctpCookieSent",
    "sctpCookieReplied",
    "sctpCookieWait",
    "sctpCookie",
    "sctpCookieEchoed",
    "sctpEstablished",
    "sctpShutdownSent",
    "sctpShutdownReceived",
    "sctpShutdownAckSent",
    "sctpRejected",
    "sctpClosed",
    "udp",
};

// REQUIRES: `state` is one of the protocol's
constexpr size_t timeoutIndex(uint8_t protocol, uint8_t state) {
  switch (protocol) {
    case kTcpProtocol: return state;
    case kSctpProtocol: return kFirstSctpTimeout + state;
    default: return kUdpTimeout;
  }
}
constexpr size_t timeoutIndex(TcpState state) { return static_cast<size_t>(state); }
constexpr uint8_t timeoutProtocol(size_t index) {
  return index < kFirstSctpTimeout ? kTcpProtocol : index < kUdpTimeout ? kSctpProtocol : kUdpProtocol;
}

using TimeoutTicks = std::array<Tick, kTimeoutStates>;
TimeoutTicks defaultTimeouts();

// The timeouts that a service's connections have in place of the director's.
struct TimeoutOverrides {
  std::array<uint32_t, kTimeoutStates> seconds{};  // [1, kMaxTimeoutSeconds]; 0: the director's

  bool isEmpty() const { return *this == TimeoutOverrides{}; }
  // Returns them in ticks instead of seconds.
  TimeoutTicks ticks() const;
  friend bool operator==(const TimeoutOverrides&, const TimeoutOverrides&) = default;
};

// Checks whether they fit connections of `protocol`; 0 means any protocol, as for a service by mark.
Result<void> checkTimeouts(const TimeoutOverrides& overrides, uint8_t protocol);

}  // namespace tunvs
