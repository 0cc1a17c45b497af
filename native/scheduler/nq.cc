// nq, never queue, takes the first idle server of the list; if nobody is idle, it chooses as sed does.
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

class NeverQueue final : public Scheduler {
 public:
  std::string_view name() const override { return "nq"; }
  SchedulerTraits traits() const override { return {.ramps = true, .remembers = false}; }
  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext&) const override {
    for (const Candidate* server : servers) {
      if (isEligible(*server) && activeOf(*server) == 0) return server;
    }
    return leastCost(servers, /*weighted=*/true, [](const Candidate& server) { return activeOf(server) + 1; });
  }
};

}  // namespace

const Scheduler& nqScheduler() {
  static const NeverQueue scheduler;
  return scheduler;
}

}  // namespace tunvs
