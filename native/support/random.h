// Makes repeatable randomness for property tests: the same seed gives the same run on every machine.
#pragma once

#include <cstdint>

namespace tunvs::testing {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {  // SplitMix64
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Returns a number in [0, limit). REQUIRES: limit > 0
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>((next() >> 32) * limit >> 32); }
  // Returns true once in `n` times.
  bool oneIn(uint32_t n) { return below(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace tunvs::testing
