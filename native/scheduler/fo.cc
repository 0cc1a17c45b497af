// fo, failover, sends everything to the heaviest server that may be chosen.
#include "scheduler/heaviest.h"

namespace tunvs {
namespace {

class Failover final : public Scheduler {
 public:
  std::string_view name() const override { return "fo"; }
  SchedulerTraits traits() const override { return {.remembers = false}; }
  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext&) const override {
    return heaviest(servers, [](const Candidate&) { return true; });
  }
};

}  // namespace

const Scheduler& foScheduler() {
  static const Failover scheduler;
  return scheduler;
}

}  // namespace tunvs
