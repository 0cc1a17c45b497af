// Slow start: a server that is new, that came back, or whose weight was 0, begins with a part of its weight and gets
// the rest bit by bit.
//
// Weights are whole numbers, so while a server of a service ramps, the schedulers see all of its weights times a scale;
// only schedulers for which ratios alone count may have a slow start (SchedulerTraits::ramps). What is configured and
// listed stays as it is.
//
// Pure: a weight follows from the configuration, when the ramp began and what time it is.
#pragma once

#include "director/config/service_view.h"

namespace tunvs {

inline constexpr int32_t kSlowStartFloorPercent = 10;    // of the weight, to begin with
inline constexpr int32_t kSlowStartScale = 20;           // so that a weight of 1 has as many steps
inline constexpr Tick kSlowStartStep = kTicksPerSecond;  // between two changes of the weights, at least

// A weight after so many ticks of a ramp; at least 1. REQUIRES: weight > 0, scale > 0, weight * scale < 2^31
int32_t rampedWeight(int32_t weight, int32_t scale, Tick elapsed, uint32_t seconds);

// When the ramp of a server began whose configuration becomes `weight`; none: it has its full weight.
std::optional<Tick> rampSince(const ServiceConfig& service, const ServerView* before, int32_t weight, Tick now);

// Brings what the schedulers see of the service's weights up to `now`. Views that change are replaced in `owned`, and
// handed back, since somebody may have pointers to them.
std::vector<std::shared_ptr<const ServerView>> rampWeights(ServiceView& service, Tick now);

// Whether the weights have something to be brought up to.
bool isRampDue(const ServiceView& service, Tick now);

}  // namespace tunvs
