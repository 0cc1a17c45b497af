// A clock for what lasts milliseconds or more: it is cheap to read, and as coarse as the kernel's tick (1 to 10 ms).
#pragma once

#include <time.h>

#include <cstdint>

namespace tunvs {

// Returns milliseconds since some start; it never goes back.
inline uint64_t coarseNowMs() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

}  // namespace tunvs
