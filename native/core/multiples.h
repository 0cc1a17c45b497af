// Multiples tells which numbers a number divides that is known long before, which costs one multiplication (Granlund,
// Montgomery 1994, "Division by invariant integers using multiplication", section 9).
//
// Thread safety: a plain value.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>

namespace tunvs {

class Multiples {
 public:
  // REQUIRES: divisor > 0
  explicit constexpr Multiples(uint32_t divisor = 1)
      : shift_(std::countr_zero(divisor)), most_(UINT32_MAX / divisor), inverse_(inverseOf(divisor >> shift_)) {
    assert(divisor > 0);
  }
  // Takes every number for a multiple.
  static constexpr Multiples any() {
    Multiples all;
    all.inverse_ = 0;
    return all;
  }

  // Multiplied by the inverse, modulo 2^32, multiples of an odd divisor become the numbers up to `most_`, and others
  // what lies beyond. What an even one's factors of 2 do not divide becomes large by its lowest bits.
  constexpr bool has(uint32_t number) const { return std::rotr(number * inverse_, shift_) <= most_; }

 private:
  // Each step doubles the bits that are right, of which an odd number, as its own inverse, has three.
  static constexpr uint32_t inverseOf(uint32_t odd) {
    uint32_t inverse = odd;
    for (int bits = 3; bits < 32; bits *= 2) inverse *= 2 - odd * inverse;
    return inverse;
  }

  int shift_;      // how often 2 divides the divisor
  uint32_t most_;  // of times that it goes into 32 bits
  uint32_t inverse_;
};

}  // namespace tunvs
