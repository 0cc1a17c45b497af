// The timeouts, and the switches that IPVS has under net.ipv4.vs, with IPVS's names and defaults.
#pragma once

#include <array>
#include <string_view>

#include "core/result.h"
#include "core/ticks.h"
#include "director/protocol/inert_sysctls.h"
#include "director/protocol/timeouts.h"

namespace tunvs {

inline constexpr int32_t kMaxSyncPorts = 64;

struct Tunables {
  TimeoutTicks timeouts = defaultTimeouts();

  int32_t amDroprate = 10;              // drop_packet in mode 3 drops one packet in so many; 0: none
  int32_t amemthresh = 1024;            // pages: with fewer available, memory is short
  int32_t backupOnly = 0;               // 1: a director that is a backup carries no packets
  int32_t connReuseMode = 1;            // bits: 1 reschedules a SYN in TIME_WAIT and CLOSE, 2 in FIN_WAIT, too; 0 never
  int32_t dropEntry = 0;                // defence mode (defence.h): entries that look abandoned are forgotten early
  int32_t dropPacket = 0;               // defence mode: some packets that would open a connection are dropped
  int32_t expireNodestConn = 0;         // 1: a removed server's connections end at once
  int32_t expireQuiescentTemplate = 0;  // 1: persistence does not lead to a server of weight 0
  int32_t lblcExpiration = 86400;       // seconds after which lblc forgets an unused destination
  int32_t lblcrExpiration = 86400;      // the same for lblcr; also after which an unchanged set loses a server
  int32_t natIcmpSend = 0;   // 1: a real server's packet without a connection is answered with port unreachable (NAT)
  int32_t pmtuDisc = 1;      // 0: DF is ignored, and packets that are too long are fragmented behind their outer header
  int32_t scheduleIcmp = 0;  // 1: an ICMP error about an unknown reply begins a connection
  int32_t secureTcp = 0;     // defence mode: a SYN leads to SYNACK in place of SYN_RECV
  int32_t sloppySctp = 0;    // 1: any SCTP packet but ABORT may begin a connection
  int32_t sloppyTcp = 0;     // 1: any TCP packet but RST may begin a connection
  // When and how a master tells its backups of connections; the first six are explained in sync/sync_decision.h.
  int32_t syncThreshold = 3;      // the first number of IPVS's sync_threshold
  int32_t syncPeriod = 50;        // the second
  int32_t syncRefreshPeriod = 0;  // seconds
  int32_t syncRetries = 0;        // how often
  int32_t syncPersistMode = 0;    // 1: of what persistence controls, only the template is told
  int32_t syncVersion = 1;        // of the messages that a master sends
  int32_t syncPorts = 1;          // how many ports a role uses when it starts; a power of two
  int32_t syncQlenMax = 1024;     // messages that wait to be sent, of all ports; those beyond are lost
  int32_t syncSockSize = 0;       // bytes of the sockets' buffers when a role starts; 0: the host's default

  InertSysctls inert;

  Tick tcpTimeout(TcpState state) const { return timeouts[timeoutIndex(state)]; }
  Tick udpTimeout() const { return timeouts[kUdpTimeout]; }
  // `index` is from timeoutIndex(); `seconds` is in [1, kMaxTimeoutSeconds].
  void setTimeout(size_t index, uint32_t seconds) { timeouts[index] = ticksFromSeconds(seconds); }
};

struct SysctlInfo {
  std::string_view name;  // below net.ipv4.vs
  int32_t Tunables::*field;
  int32_t minimum, maximum;

  constexpr bool isDefenceMode() const {
    return field == &Tunables::dropEntry || field == &Tunables::dropPacket || field == &Tunables::secureTcp;
  }
};
inline constexpr SysctlInfo kSysctls[] = {
    {"am_droprate", &Tunables::amDroprate, 0, INT32_MAX},
    {"amemthresh", &Tunables::amemthresh, 0, INT32_MAX},
    {"backup_only", &Tunables::backupOnly, 0, 1},
    {"conn_reuse_mode", &Tunables::connReuseMode, 0, 3},
    {"drop_entry", &Tunables::dropEntry, 0, 3},
    {"drop_packet", &Tunables::dropPacket, 0, 3},
    {"expire_nodest_conn", &Tunables::expireNodestConn, 0, 1},
    {"expire_quiescent_template", &Tunables::expireQuiescentTemplate, 0, 1},
    {"lblc_expiration", &Tunables::lblcExpiration, 0, kMaxTimeoutSeconds},
    {"lblcr_expiration", &Tunables::lblcrExpiration, 0, kMaxTimeoutSeconds},
    {"nat_icmp_send", &Tunables::natIcmpSend, 0, 1},
    {"pmtu_disc", &Tunables::pmtuDisc, 0, 1},
    {"schedule_icmp", &Tunables::scheduleIcmp, 0, 1},
    {"secure_tcp", &Tunables::secureTcp, 0, 3},
    {"sloppy_sctp", &Tunables::sloppySctp, 0, 1},
    {"sloppy_tcp", &Tunables::sloppyTcp, 0, 1},
    {"sync_period", &Tunables::syncPeriod, 0, INT32_MAX},
    {"sync_persist_mode", &Tunables::syncPersistMode, 0, 1},
    {"sync_ports", &Tunables::syncPorts, 1, kMaxSyncPorts},
    {"sync_qlen_max", &Tunables::syncQlenMax, 0, INT32_MAX},
    {"sync_refresh_period", &Tunables::syncRefreshPeriod, 0, kMaxTimeoutSeconds},
    {"sync_retries", &Tunables::syncRetries, 0, 3},
    {"sync_sock_size", &Tunables::syncSockSize, 0, INT32_MAX},
    {"sync_threshold", &Tunables::syncThreshold, 0, INT32_MAX},
    {"sync_version", &Tunables::syncVersion, 0, 1},
};

// `name` is one of kSysctls or kInertSysctls.
Result<void> setSysctl(Tunables& tunables, std::string_view name, int64_t value);

}  // namespace tunvs
