// wlc, the default, takes the server with the smallest load per weight.
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

class WeightedLeastConnection final : public Scheduler {
 public:
  std::string_view name() const override { return "wlc"; }
  SchedulerTraits traits() const override { return {.ramps = true, .remembers = false}; }
  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext&) const override {
    return leastCost(servers, /*weighted=*/true, loadOf);
  }
};

}  // namespace

const Scheduler& wlcScheduler() {
  static const WeightedLeastConnection scheduler;
  return scheduler;
}

}  // namespace tunvs
