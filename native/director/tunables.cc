#include "director/tunables.h"

namespace tunvs {

Result<void> setTimeouts(Tunables& tunables, uint32_t tcp, uint32_t tcpFin, uint32_t udp) {
  for (const uint32_t seconds : {tcp, tcpFin, udp}) {
    if (seconds > kMaxTimeoutSeconds) {
      return Error::make(ErrorCode::invalidArgument, "a timeout of " + std::to_string(seconds) +
                                                         " s is too long; the longest is 2678400 s (31 days)");
    }
  }
  if (tcp != 0) tunables.tcpTimeouts[static_cast<size_t>(TcpState::established)] = ticksFromSeconds(tcp);
  if (tcpFin != 0) tunables.tcpTimeouts[static_cast<size_t>(TcpState::finWait)] = ticksFromSeconds(tcpFin);
  if (udp != 0) tunables.udpTimeout = ticksFromSeconds(udp);
  return {};
}

Result<void> setSysctl(Tunables& tunables, std::string_view name, int64_t value) {
  for (const auto& sysctl : kSysctls) {
    if (sysctl.name != name) continue;
    if (value < sysctl.minimum || value > sysctl.maximum) {
      return Error::make(ErrorCode::invalidArgument,
                         "net.ipv4.vs." + std::string(name) + " takes " + std::to_string(sysctl.minimum) + " to " +
                             std::to_string(sysctl.maximum) + ", not " + std::to_string(value));
    }
    tunables.*sysctl.field = static_cast<int32_t>(value);
    return {};
  }
  std::string known;
  for (const auto& sysctl : kSysctls) known += (known.empty() ? "" : ", ") + std::string(sysctl.name);
  return Error::make(ErrorCode::unsupported,
                     "net.ipv4.vs." + std::string(name) + " is not supported; these are: " + known);
}

}  // namespace tunvs
