// The data path's clock has 250 ticks a second in 32 bits, compared modulo 2^32.
//
// With a tick of 4 ms, the longest timeout that ipvsadm accepts (2,678,400 s) stays below half the range.
#pragma once

#include <cstdint>

namespace tunvs {

using Tick = uint32_t;
inline constexpr uint32_t kTicksPerSecond = 250;

constexpr Tick ticksFromMs(uint64_t ms) { return static_cast<Tick>(ms / (1000 / kTicksPerSecond)); }
constexpr uint32_t ticksFromSeconds(uint32_t seconds) { return seconds * kTicksPerSecond; }
// Returns true when `now` is at or after `deadline`. REQUIRES: they are less than 2^31 ticks apart.
constexpr bool reached(Tick now, Tick deadline) { return static_cast<int32_t>(now - deadline) >= 0; }

}  // namespace tunvs
