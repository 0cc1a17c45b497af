#include "scheduler/scheduler.h"

namespace tunvs {

// Each scheduler has a line, in the order in which they are listed; its own file defines what the line names.
// clang-format off
#define TUNVS_SCHEDULERS(SCHEDULER) \
  SCHEDULER(rr) \
  SCHEDULER(wrr) \
  SCHEDULER(lc) \
  SCHEDULER(wlc) \
  SCHEDULER(sed) \
  SCHEDULER(nq) \
  SCHEDULER(dh) \
  SCHEDULER(sh) \
  SCHEDULER(mh) \
  SCHEDULER(fo) \
  SCHEDULER(ovf) \
  SCHEDULER(lblc) \
  SCHEDULER(lblcr) \
  SCHEDULER(twos) \
  SCHEDULER(maglev) \
  SCHEDULER(rendezvous) \
  SCHEDULER(p2c)
// clang-format on

#define TUNVS_DECLARE(name) const Scheduler& name##Scheduler();
TUNVS_SCHEDULERS(TUNVS_DECLARE)
#undef TUNVS_DECLARE

std::span<const Scheduler* const> schedulers() {
#define TUNVS_ADDRESS(name) &name##Scheduler(),
  static const Scheduler* const all[] = {TUNVS_SCHEDULERS(TUNVS_ADDRESS)};
#undef TUNVS_ADDRESS
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
