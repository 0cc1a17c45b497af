// Timeouts and the switches that IPVS has under net.ipv4.vs, with IPVS's names and defaults.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "core/result.h"
#include "core/ticks.h"
#include "director/sctp_state.h"
#include "director/tcp_state.h"

namespace tunvs {

inline constexpr uint32_t kMaxTimeoutSeconds = 2678400;  // 31 days, ipvsadm's limit
inline constexpr uint32_t kUdpDefaultTimeout = 300;      // seconds

struct Tunables {
  std::array<Tick, kTcpStates> tcpTimeouts = [] {
    std::array<Tick, kTcpStates> ticks{};
    for (size_t i = 0; i < kTcpStates; i++) ticks[i] = ticksFromSeconds(kTcpDefaultTimeouts[i]);
    return ticks;
  }();
  std::array<Tick, kSctpStates> sctpTimeouts = [] {
    std::array<Tick, kSctpStates> ticks{};
    for (size_t i = 0; i < kSctpStates; i++) ticks[i] = ticksFromSeconds(kSctpDefaultTimeouts[i]);
    return ticks;
  }();
  Tick udpTimeout = ticksFromSeconds(kUdpDefaultTimeout);

  int32_t connReuseMode = 1;            // bits: 1 reschedule a SYN in TIME_WAIT and CLOSE, 2 in FIN_WAIT too; 0 never
  int32_t expireNodestConn = 0;         // 1: a removed server's connections end at once
  int32_t expireQuiescentTemplate = 0;  // 1: persistence does not lead to a server of weight 0
  int32_t lblcExpiration = 86400;       // seconds after which lblc forgets an unused destination
  int32_t lblcrExpiration = 86400;      // the same for lblcr; also after which an unchanged set loses a server
  int32_t pmtuDisc = 1;                 // 0: DF is ignored, too long packets are fragmented behind their outer header
  int32_t scheduleIcmp = 0;             // 1: an ICMP error about an unknown reply begins a connection
  int32_t sloppySctp = 0;               // 1: any SCTP packet but ABORT may begin a connection
  int32_t sloppyTcp = 0;                // 1: any TCP packet but RST may begin a connection

  Tick tcpTimeout(TcpState state) const { return tcpTimeouts[static_cast<size_t>(state)]; }
};

struct SysctlInfo {
  std::string_view name;  // below net.ipv4.vs
  int32_t Tunables::*field;
  int32_t minimum, maximum;
};
inline constexpr SysctlInfo kSysctls[] = {
    {"conn_reuse_mode", &Tunables::connReuseMode, 0, 3},
    {"expire_nodest_conn", &Tunables::expireNodestConn, 0, 1},
    {"expire_quiescent_template", &Tunables::expireQuiescentTemplate, 0, 1},
    {"lblc_expiration", &Tunables::lblcExpiration, 0, kMaxTimeoutSeconds},
    {"lblcr_expiration", &Tunables::lblcrExpiration, 0, kMaxTimeoutSeconds},
    {"pmtu_disc", &Tunables::pmtuDisc, 0, 1},
    {"schedule_icmp", &Tunables::scheduleIcmp, 0, 1},
    {"sloppy_sctp", &Tunables::sloppySctp, 0, 1},
    {"sloppy_tcp", &Tunables::sloppyTcp, 0, 1},
};

// Seconds, each [0, kMaxTimeoutSeconds]; 0 leaves it as it is.
Result<void> setTimeouts(Tunables& tunables, uint32_t tcp, uint32_t tcpFin, uint32_t udp);
Result<void> setSysctl(Tunables& tunables, std::string_view name, int64_t value);

}  // namespace tunvs
