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

std::string schedulersWith(bool SchedulerTraits::*trait) {
  std::string names;
  for (const Scheduler* scheduler : schedulers()) {
    if (!(scheduler->traits().*trait)) continue;
    if (!names.empty()) names += ", ";
    names += scheduler->name();
  }
  return names;
}

Result<void> Scheduler::accepts(const SchedulerOptions& options, size_t servers) const {
  const auto refuse = [&](const char* what, bool SchedulerTraits::*trait) {
    return Error::make(ErrorCode::invalidArgument, "the scheduler " + std::string(name()) + " has no use for " + what +
                                                       ", as " + schedulersWith(trait) + " have; leave it out");
  };
  if (options.stableCursor && !traits().stableCursor) return refuse("a stable cursor", &SchedulerTraits::stableCursor);
  if (options.randomStart && !traits().randomStart) return refuse("a random start", &SchedulerTraits::randomStart);
  return check(options, servers);
}

Result<void> Scheduler::noTableSize(const SchedulerOptions& options) const {
  if (options.tableSize == 0) return {};
  return Error::make(ErrorCode::invalidArgument,
                     "the scheduler " + std::string(name()) + " has no table; leave the table size out");
}

}  // namespace tunvs
