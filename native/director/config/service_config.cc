#include "director/config/service_config.h"

#include "scheduler/scheduler.h"

namespace tunvs {

Result<void> checkForScheduler(const Scheduler& scheduler, const ServiceConfig& config) {
  const SchedulerTraits traits = scheduler.traits();
  const std::string name(scheduler.name());
  if (config.hashesMidStream() && !traits.agrees) {
    return Error::make(ErrorCode::invalidArgument,
                       "the scheduler " + name +
                           " chooses by what it has seen, so it can't tell which server has a connection that comes "
                           "from another director; for mid-stream packets take " +
                           schedulersWith(&SchedulerTraits::agrees));
  }
  if (config.slowStartSeconds != 0 && !traits.ramps) {
    return Error::make(ErrorCode::invalidArgument,
                       "a slow start raises a weight bit by bit, which is of no use to the "
                       "scheduler " +
                           name + "; take one of " + schedulersWith(&SchedulerTraits::ramps));
  }
  if (config.slowStartSeconds != 0 && config.hashesMidStream()) {
    return Error::make(ErrorCode::invalidArgument,
                       "a service can't both have a slow start and hash mid-stream packets: while a weight is raised "
                       "directors would disagree; leave one of them out");
  }
  return {};
}

}  // namespace tunvs
