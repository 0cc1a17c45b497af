// ovf, overflow, fills the heaviest server until it has one active connection more than its weight, then the next one.
#include "scheduler/heaviest.h"

namespace tunvs {
namespace {

class Overflow final : public Scheduler {
 public:
  std::string_view name() const override { return "ovf"; }
  SchedulerTraits traits() const override { return {.remembers = false}; }
  const Candidate* pick(ServerList servers, SchedulerState&, const ScheduleContext&) const override {
    return heaviest(servers, [](const Candidate& server) { return activeOf(server) <= server.weight; });
  }
};

}  // namespace

const Scheduler& ovfScheduler() {
  static const Overflow scheduler;
  return scheduler;
}

}  // namespace tunvs
