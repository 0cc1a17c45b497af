// Schedulers: which real server a new connection gets.
//
// A scheduler is one stateless object; what it remembers about a service lies in SchedulerState. Adding one: a file
// NAME.cc with `const Scheduler& nameScheduler()`, and a line in scheduler.cc.
//
// Thread safety: both calls are made under the service's lock.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/flow_key.h"
#include "scheduler/candidate.h"

namespace tunvs {

// Newest first: the order in which IPVS walks. Ties go to whoever comes first.
using ServerList = std::span<const Candidate* const>;

inline constexpr uint32_t kNoServer = UINT32_MAX;

// The memory of every scheduler that has one; each uses what it needs.
struct SchedulerState {
  uint32_t last = kNoServer;  // rr, wrr: id of the server chosen last; kNoServer: before the first of the list
  uint32_t lastIndex = 0;     // where `last` was in the list, a hint
  int32_t currentWeight = 0;  // wrr
  int32_t maxWeight = 0;      // wrr
  int32_t weightStep = 1;     // wrr: greatest common divisor of the weights
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual std::string_view name() const = 0;

  // The service begins to use this scheduler with these servers; `state` is fresh.
  virtual void begin(ServerList, SchedulerState&) const {}
  // The list changed by adding, removing or editing servers. `before` and `after` are both complete.
  virtual void changed(ServerList before, ServerList after, SchedulerState&) const {
    static_cast<void>(before);
    static_cast<void>(after);
  }
  // The server for a new connection, null when none may take it.
  virtual const Candidate* pick(ServerList servers, SchedulerState& state, const FlowKey& flow) const = 0;
};

std::span<const Scheduler* const> schedulers();
// Null when there is none of that name.
const Scheduler* schedulerByName(std::string_view name);

}  // namespace tunvs
