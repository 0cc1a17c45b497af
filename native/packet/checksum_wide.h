// Sums many bytes at once for checksumAdd(), by the widest instructions that this processor has.
//
// Thread safety: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tunvs {

// Below this length, what is saved does not pay for the call.
inline constexpr size_t kWideChecksumBytes = 192;
inline constexpr size_t kWideChecksumBlock = 64;

struct WideChecksum {
  std::string_view name;
  bool (*isSupported)();
  // Returns the one's complement sum, unfolded, below 2^48. Takes any alignment. REQUIRES: isSupported(); `length` is a
  // multiple of kWideChecksumBlock, [0, 2^16]
  uint64_t (*add)(const uint8_t* bytes, size_t length);
};

// Returns all that were compiled for this architecture, the best first. The last is supported everywhere.
std::span<const WideChecksum> wideChecksums();

// Does it by the first that is supported. REQUIRES: as `add`
uint64_t checksumAddWide(const uint8_t* bytes, size_t length);

}  // namespace tunvs
