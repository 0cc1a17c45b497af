// What can be set and changed on a virtual service and on a real server.
#pragma once

#include <optional>
#include <string>

#include "core/inet.h"
#include "core/result.h"
#include "director/config/server_health.h"
#include "director/protocol/timeouts.h"
#include "forward/tunnel_options.h"
#include "scheduler/options.h"

namespace tunvs {

// New connections of a client go where its last one went.
struct Persistence {
  uint32_t timeoutSeconds = 0;  // [1, kMaxTimeoutSeconds]; 0: the service is not persistent
  Be32 mask4 = {UINT32_MAX};    // which IPv4 clients count as one; not 0
  uint8_t prefix6 = 128;        // the same for IPv6, [1, 128]
  std::string engine;           // "": by client address; "sip": by Call-ID

  friend bool operator==(const Persistence&, const Persistence&) = default;
};

// What answers a packet from the middle of an unknown connection: a reset, or the server that its hash leads to.
enum class MidStream : uint8_t { reset, hash };

struct ServiceConfig {
  std::string scheduler = "wlc";
  SchedulerOptions schedulerOptions = {};
  Persistence persistence = {};
  bool onePacket = false;  // every UDP datagram is scheduled by itself
  TimeoutOverrides timeouts = {};

  // IPVS does not have the following.
  MidStream midStream = MidStream::reset;
  bool rescheduleUdp = false;     // UDP connections of a removed server are rescheduled, not dropped silently
  uint32_t slowStartSeconds = 0;  // [0, kMaxSlowStartSeconds]; 0: a new server has its whole weight at once

  bool hashesMidStream() const { return midStream == MidStream::hash; }
  bool isPersistent() const { return persistence.timeoutSeconds != 0; }
};

// What is wanted of a real server.
struct ServerConfig {
  TunnelOptions tunnel;
  int32_t weight = 1;           // [0, 2^31-1]; 0 is quiescent
  uint32_t upperThreshold = 0;  // active + inactive connections; 0: no limit
  uint32_t lowerThreshold = 0;  // [0, upperThreshold]
  bool isSorry = false;         // it is listed as one; whether it is in force is a matter of its condition
};

// What is true of the server, or was decided about it. Each part has one writer of its own, and none of them writes the
// configured weight: see effectiveWeight().
struct ServerCondition {
  bool isUp = true;                       // written by hand
  bool isDraining = false;                // no new connections; written by a drain
  std::optional<int32_t> assignedWeight;  // [0, 2^31-1], in place of the configured one; written by a policy
  HealthCondition health = {};            // written by health checks

  friend bool operator==(const ServerCondition&, const ServerCondition&) = default;
};

inline constexpr uint32_t kMaxSlowStartSeconds = 86400;

class Scheduler;
// Checks that the scheduler can do what the service asks for. The scheduler's own options are not looked at.
Result<void> checkForScheduler(const Scheduler& scheduler, const ServiceConfig& config);

}  // namespace tunvs
