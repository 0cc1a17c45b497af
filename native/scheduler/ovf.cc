// ovf, overflow: the heaviest server until it has as many active connections as its weight and one more, then the next.
#include "scheduler/heaviest.h"

namespace tunvs {
namespace {

class Overflow final : public Scheduler {
 public:
  std::string_view name() const override { return "ovf"; }
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
