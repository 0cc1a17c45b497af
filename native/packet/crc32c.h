// Computes CRC32c, the checksum of SCTP (RFC 9260 appendix A), and its incremental update.
//
// A checksum is a number here; SCTP writes it into the packet with the lowest byte first.
//
// Thread safety: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tunvs {

// The update takes no longer messages, so that its tables stay small; no IP packet is longer.
inline constexpr size_t kMaxCrc32cUpdateBytes = 65535;

uint32_t crc32c(std::span<const uint8_t> message);

// Returns what `crc` becomes when four bytes of the message change from `before` to `after`, which are as
// loadUnaligned<uint32_t>() gives them. `bytesFrom` counts the bytes of the message from the first of the four to its
// end. A checksum that was wrong stays wrong by the same bits. REQUIRES: bytesFrom in [4, kMaxCrc32cUpdateBytes]
uint32_t crc32cReplace(uint32_t crc, uint32_t before, uint32_t after, size_t bytesFrom);

// A Crc32cWay is one of the implementations, by the instructions that it takes.
struct Crc32cWay {
  std::string_view name;
  bool (*isSupported)();
  // Returns the shift register after these bytes.
  uint32_t (*add)(uint32_t shiftRegister, const uint8_t* bytes, size_t length);
  // Returns the product of two polynomials modulo the CRC's. The highest bit is the coefficient of x^0.
  uint32_t (*multiply)(uint32_t a, uint32_t b);
};

// Returns all that were compiled for this architecture, the best first. The last is supported everywhere.
std::span<const Crc32cWay> crc32cWays();

}  // namespace tunvs
