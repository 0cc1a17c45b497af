// Computes logarithms in integers, which are the same on every machine.
#pragma once

#include <bit>
#include <cstdint>

namespace tunvs {

// Returns log2(x) with 32 binary digits behind the point, cut off. It works digit by digit: squaring a number between 1
// and 2 doubles its logarithm (C. S. Turner, "A Fast Binary Logarithm Algorithm", IEEE Signal Processing Magazine,
// 2010). REQUIRES: x > 0
constexpr uint64_t binaryLog(uint64_t x) {
  __extension__ using Wide = unsigned __int128;
  const int whole = std::bit_width(x) - 1;
  uint64_t mantissa = x << (63 - whole);  // in [2^63, 2^64), for [1, 2)
  uint64_t log = static_cast<uint64_t>(whole) << 32;
  for (int digit = 31; digit >= 0; digit--) {
    const Wide square = static_cast<Wide>(mantissa) * mantissa;  // in [2^126, 2^128), for [1, 4)
    if (square >> 127 != 0) {
      log |= uint64_t{1} << digit;
      mantissa = static_cast<uint64_t>(square >> 64);
    } else {
      mantissa = static_cast<uint64_t>(square >> 63);
    }
  }
  return log;
}

}  // namespace tunvs
