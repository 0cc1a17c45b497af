// A Remainder divides by a number that is known long before, which costs two multiplications (Lemire, Kaser, Kurz 2019,
// "Faster remainder by direct computation").
//
// Thread safety: a plain value.
#pragma once

#include <cassert>
#include <cstdint>

namespace tunvs {

class Remainder {
 public:
  // REQUIRES: divisor > 0
  explicit constexpr Remainder(uint32_t divisor = 1) : divisor_(divisor), factor_(UINT64_MAX / divisor + 1) {
    assert(divisor > 0);
  }
  // Returns number % divisor.
  constexpr uint32_t of(uint32_t number) const {
    const uint64_t fraction = factor_ * number;
    return static_cast<uint32_t>(static_cast<unsigned __int128>(fraction) * divisor_ >> 64);
  }

 private:
  uint32_t divisor_;
  uint64_t factor_;  // 2^64 / divisor, rounded up, modulo 2^64
};

}  // namespace tunvs
