#include "director/protocol/timeouts.h"

#include <algorithm>

namespace tunvs {
namespace {

std::string_view nameOfProtocol(uint8_t protocol) {
  return protocol == kTcpProtocol ? "TCP" : protocol == kSctpProtocol ? "SCTP" : "UDP";
}

}  // namespace

TimeoutTicks defaultTimeouts() {
  TimeoutTicks ticks{};
  for (size_t i = 0; i < kTcpStates; i++) ticks[i] = ticksFromSeconds(kTcpDefaultTimeouts[i]);
  for (size_t i = 0; i < kSctpStates; i++) ticks[kFirstSctpTimeout + i] = ticksFromSeconds(kSctpDefaultTimeouts[i]);
  ticks[kUdpTimeout] = ticksFromSeconds(kUdpDefaultTimeout);
  return ticks;
}

TimeoutTicks TimeoutOverrides::ticks() const {
  TimeoutTicks ticks{};
  std::transform(seconds.begin(), seconds.end(), ticks.begin(), ticksFromSeconds);
  return ticks;
}

Result<void> checkTimeouts(const TimeoutOverrides& overrides, uint8_t protocol) {
  for (size_t i = 0; i < kTimeoutStates; i++) {
    const uint32_t seconds = overrides.seconds[i];
    if (seconds == 0) continue;
    const std::string name(kTimeoutNames[i]);
    if (seconds > kMaxTimeoutSeconds) {
      return Error::make(ErrorCode::invalidArgument, "the timeout " + name + " of " + std::to_string(seconds) +
                                                         " s is too long; the longest is " +
                                                         std::to_string(kMaxTimeoutSeconds) + " s (31 days)");
    }
    if (protocol != 0 && timeoutProtocol(i) != protocol) {
      return Error::make(ErrorCode::invalidArgument, "the timeout " + name + " belongs to a state of " +
                                                         std::string(nameOfProtocol(timeoutProtocol(i))) +
                                                         ", but the virtual service is of " +
                                                         std::string(nameOfProtocol(protocol)) + "; leave it out");
    }
  }
  return {};
}

}  // namespace tunvs
