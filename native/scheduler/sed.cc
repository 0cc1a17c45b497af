// sed, shortest expected delay, takes the server with the fewest active connections for its weight, with the new one
// counted.
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

class ShortestExpectedDelay final : public Scheduler {
 public:
  std::string_view name() const override { return "sed"; }
  SchedulerTraits traits() const override { return {.ramps = true, .remembers = false}; }
  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext&) const override {
    return leastCost(servers, /*weighted=*/true, [](const Candidate& server) { return activeOf(server) + 1; });
  }
};

}  // namespace

const Scheduler& sedScheduler() {
  static const ShortestExpectedDelay scheduler;
  return scheduler;
}

}  // namespace tunvs
