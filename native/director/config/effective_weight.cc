#include "director/config/effective_weight.h"

#include <algorithm>
#include <cmath>

namespace tunvs {

int32_t fullWeight(const ServerConfig& config, const ServerCondition& condition) {
  if (!condition.isUp || condition.isDraining || config.weight == 0) return 0;
  const HealthCondition& health = condition.health;
  if (!health.takesClients()) return 0;
  const int32_t weight = condition.assignedWeight.value_or(health.weight.value_or(config.weight));
  if (health.factor == 1 && health.add == 0) return weight;
  const double product = weight * health.factor;
  const double scaled = product > 0 ? std::max(1.0, std::floor(product)) : 0;
  return static_cast<int32_t>(std::clamp(scaled + health.add, 0.0, double{INT32_MAX}));
}

int32_t effectiveWeight(const ServerConfig& config, const ServerCondition& condition, const Ramp& ramp, Tick now) {
  const int32_t weight = fullWeight(config, condition);
  if (weight == 0 || ramp.isOver(now)) return weight * ramp.scale;
  const int64_t total = ticksFromSeconds(ramp.seconds), done = now - *ramp.since;
  const int64_t part = kSlowStartFloorPercent * total + (100 - kSlowStartFloorPercent) * done;
  __extension__ using Wide = __int128;
  return std::max(1, static_cast<int32_t>(Wide{weight} * ramp.scale * part / (100 * total)));
}

}  // namespace tunvs
