// How often a worker does what no packet asks for, and how much of it at a time. Benchmarks of the director without an
// engine go by the same figures.
//
// Thread safety: pure.
#pragma once

#include "core/ticks.h"

namespace tunvs {

inline constexpr Tick kHousekeepTicks = 16;  // 64 ms
// Connections that are looked at between two vectors, so that packets never wait for more than some tens of
// microseconds. A round is spread over as many vectors as it takes.
inline constexpr size_t kExpireBudget = 512;
inline constexpr int kSleepMs = 100;  // how late an idle worker may expire connections

}  // namespace tunvs
