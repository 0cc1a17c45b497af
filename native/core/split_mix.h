// A random generator for choices that no secret depends on: it makes no system call, and is repeatable from its seed.
#pragma once

#include <cstdint>

namespace tunvs {

// SplitMix64 (Steele, Lea, Flood 2014).
class SplitMix64 {
 public:
  SplitMix64() = default;
  explicit SplitMix64(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Returns a number in [0, limit), by multiplication; uneven by less than limit / 2^64. REQUIRES: limit > 0
  uint64_t below(uint64_t limit) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>(static_cast<Wide>(next()) * limit >> 64);
  }

 private:
  uint64_t state_ = 0;
};

}  // namespace tunvs
