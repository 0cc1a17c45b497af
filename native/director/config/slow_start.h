// Slow start: a server that is new, that came back, or whose full weight was 0, begins with a part of its weight and
// gets the rest step by step.
//
// Weights are whole numbers. So while a server of a service ramps, the schedulers see all of the service's weights
// times a scale, and only schedulers for which ratios alone count may have a slow start (SchedulerTraits::ramps). What
// is configured and listed stays as it is. effectiveWeight() says how much of its weight a server has.
#pragma once

#include "director/config/service_view.h"

namespace tunvs {

inline constexpr int32_t kSlowStartScale = 20;           // gives a weight of 1 as many steps
inline constexpr Tick kSlowStartStep = kTicksPerSecond;  // at least, between two changes of the weights

// Returns when the ramp of a server began whose full weight becomes `weight`; none: it has all of its weight.
std::optional<Tick> rampSince(const ServiceConfig& service, const ServerView* before, int32_t weight, Tick now);

// Brings the weights that the schedulers see up to `now`. Views that change are replaced in `owned` and returned, since
// somebody may have pointers to them.
std::vector<std::shared_ptr<const ServerView>> rampWeights(ServiceView& service, Tick now);

// Tells whether there are weights to bring up to now.
bool isRampDue(const ServiceView& service, Tick now);

}  // namespace tunvs
