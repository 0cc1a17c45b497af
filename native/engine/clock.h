// The engine's clock: it is monotonic and coarse (a few ms), and is read once per vector without a system call.
#pragma once

#include <ctime>

#include "core/ticks.h"
#include "io/os/coarse_clock.h"

namespace tunvs {

inline Tick coarseNow() { return ticksFromMs(coarseNowMs()); }

inline uint64_t monotonicNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

inline uint64_t monotonicUs() { return monotonicNs() / 1000; }

}  // namespace tunvs
