// lc takes the server with the smallest load; weights matter only as zero or not.
#include "scheduler/eligible.h"

namespace tunvs {
namespace {

class LeastConnection final : public Scheduler {
 public:
  std::string_view name() const override { return "lc"; }
  SchedulerTraits traits() const override { return {.remembers = false}; }
  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext&) const override {
    return leastCost(servers, /*weighted=*/false, loadOf);
  }
};

}  // namespace

const Scheduler& lcScheduler() {
  static const LeastConnection scheduler;
  return scheduler;
}

}  // namespace tunvs
