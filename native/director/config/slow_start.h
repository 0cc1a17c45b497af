// Slow start: a server that is new, that came back, or whose full weight was 0, begins with a part of its weight and
// gets the rest bit by bit.
//
// Weights are whole numbers, so while a server of a service ramps, the schedulers see all of its weights times a scale;
// only schedulers for which ratios alone count may have a slow start (SchedulerTraits::ramps). What is configured and
// listed stays as it is. How much of its weight a server has, says effectiveWeight().
#pragma once

#include "director/config/service_view.h"

namespace tunvs {

inline constexpr int32_t kSlowStartScale = 20;           // so that a weight of 1 has as many steps
inline constexpr Tick kSlowStartStep = kTicksPerSecond;  // between two changes of the weights, at least

// When the ramp of a server began whose full weight becomes `weight`; none: it has all of it.
std::optional<Tick> rampSince(const ServiceConfig& service, const ServerView* before, int32_t weight, Tick now);

// Brings what the schedulers see of the service's weights up to `now`. Views that change are replaced in `owned`, and
// handed back, since somebody may have pointers to them.
std::vector<std::shared_ptr<const ServerView>> rampWeights(ServiceView& service, Tick now);

// Whether the weights have something to be brought up to.
bool isRampDue(const ServiceView& service, Tick now);

}  // namespace tunvs
