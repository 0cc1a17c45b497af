// The weight that schedulers go by. It is one number, made of what is wanted of a real server, what is true of it, and
// how far its slow start has come.
//
// It is pure: the same arguments give the same weight, whoever asks and in whatever order they came about.
#pragma once

#include "core/ticks.h"
#include "director/config/service_config.h"

namespace tunvs {

inline constexpr int32_t kSlowStartFloorPercent = 10;  // of the weight, at the beginning

// How a server's weight grows to the whole.
struct Ramp {
  std::optional<Tick> since;  // none: the server has its whole weight
  uint32_t seconds = 0;       // how long a ramp takes
  int32_t scale = 1;          // factor for the weights of its service, so that small ones have steps

  bool isOver(Tick now) const { return !since || now - *since >= ticksFromSeconds(seconds); }
};

// Returns the weight without a slow start: 0 for a server that is down by hand or by health, out of the list, drained,
// or configured with 0, whatever else is said; otherwise the policy's weight, or else health's, or else the configured
// one. Health's factor changes it, to 1 at least unless the product is 0, and then its sum.
int32_t fullWeight(const ServerConfig& config, const ServerCondition& condition);

// Returns the full weight times ramp.scale, or the part of it that the slow start has reached, which is at least 1.
//
// REQUIRES: fullWeight(config, condition) * ramp.scale < 2^31
int32_t effectiveWeight(const ServerConfig& config, const ServerCondition& condition, const Ramp& ramp, Tick now);

}  // namespace tunvs
