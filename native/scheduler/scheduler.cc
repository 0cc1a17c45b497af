#include "scheduler/scheduler.h"

namespace tunvs {

const Scheduler& rrScheduler();
const Scheduler& wrrScheduler();
const Scheduler& lcScheduler();
const Scheduler& wlcScheduler();
const Scheduler& sedScheduler();
const Scheduler& nqScheduler();
const Scheduler& dhScheduler();
const Scheduler& shScheduler();
const Scheduler& mhScheduler();
const Scheduler& foScheduler();
const Scheduler& ovfScheduler();
const Scheduler& lblcScheduler();
const Scheduler& lblcrScheduler();
const Scheduler& twosScheduler();
const Scheduler& maglevScheduler();
const Scheduler& rendezvousScheduler();
const Scheduler& p2cScheduler();

std::span<const Scheduler* const> schedulers() {
  static const Scheduler* const all[] = {
      &rrScheduler(),         &wrrScheduler(),  &lcScheduler(),    &wlcScheduler(),  &sedScheduler(),
      &nqScheduler(),         &dhScheduler(),   &shScheduler(),    &mhScheduler(),   &foScheduler(),
      &ovfScheduler(),        &lblcScheduler(), &lblcrScheduler(), &twosScheduler(), &maglevScheduler(),
      &rendezvousScheduler(), &p2cScheduler(),
  };
  return all;
}

const Scheduler* schedulerByName(std::string_view name) {
  for (const Scheduler* scheduler : schedulers()) {
    if (scheduler->name() == name) return scheduler;
  }
  return nullptr;
}

Result<void> Scheduler::noTableSize(const SchedulerOptions& options) const {
  if (options.tableSize == 0) return {};
  return Error::make(ErrorCode::invalidArgument,
                     "the scheduler " + std::string(name()) + " has no table; leave the table size out");
}

}  // namespace tunvs
