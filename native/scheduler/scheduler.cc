#include "scheduler/scheduler.h"

namespace tunvs {

const Scheduler& rrScheduler();
const Scheduler& wrrScheduler();
const Scheduler& lcScheduler();
const Scheduler& wlcScheduler();

std::span<const Scheduler* const> schedulers() {
  static const Scheduler* const all[] = {
      &rrScheduler(),
      &wrrScheduler(),
      &lcScheduler(),
      &wlcScheduler(),
  };
  return all;
}

const Scheduler* schedulerByName(std::string_view name) {
  for (const Scheduler* scheduler : schedulers()) {
    if (scheduler->name() == name) return scheduler;
  }
  return nullptr;
}

}  // namespace tunvs
