// Computes the Internet checksum (RFC 1071) and its incremental update (RFC 1624).
//
// Sums are kept in the byte order of the packet (RFC 1071 section 2 B), so no word is swapped.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/inet.h"

namespace tunvs {

// Returns the one's complement sum of `length` bytes, unfolded, with `initial` added. Takes any alignment.
uint64_t checksumAdd(const void* data, size_t length, uint64_t initial = 0);

// Folds a sum to 16 bits, without complementing it.
inline uint16_t checksumFold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// Returns the value of a checksum field over `length` bytes whose own checksum field is zero.
inline Be16 checksum(const void* data, size_t length, uint64_t initial = 0) {
  return {static_cast<uint16_t>(~checksumFold(checksumAdd(data, length, initial)))};
}

// Returns the sum of a 20-byte IPv4 header, unfolded: checksumAdd for this fixed length, inlined for the packet path.
inline uint64_t checksumAdd20(const uint8_t* header) {
  const auto a = loadUnaligned<uint64_t>(header);
  const auto b = loadUnaligned<uint64_t>(header + 8);
  const auto c = loadUnaligned<uint32_t>(header + 16);
  return (a & 0xffffffff) + (a >> 32) + (b & 0xffffffff) + (b >> 32) + c;
}

// Does what checksumFold() does in half the instructions: adding a number to itself with its halves exchanged leaves
// the one's complement sum of the halves, carry included, in the upper half.
constexpr uint16_t foldBySwapping(uint64_t sum) {
  const auto words = static_cast<uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<uint16_t>((words + std::rotl(words, 16)) >> 16);
}

// Returns `sum` + `more` as one's complement addition gives it: a carry out of the highest bit comes back at the
// lowest.
constexpr uint64_t addAround(uint64_t sum, uint64_t more) {
  uint64_t total = 0;
  const bool carries = __builtin_add_overflow(sum, more, &total);
  return total + carries;
}

// Tells whether the checksum of a 20-byte IPv4 header is right.
inline bool isChecksumRight20(const uint8_t* header) {
  const uint64_t sum = addAround(loadUnaligned<uint64_t>(header), loadUnaligned<uint64_t>(header + 8));
  return foldBySwapping(addAround(sum, loadUnaligned<uint32_t>(header + 16))) == 0xffff;
}

// Returns `check` after a 16-bit field that it covers changed from `before` to `after` (RFC 1624 equation 3).
inline Be16 checksumReplace(Be16 check, Be16 before, Be16 after) {
  const uint64_t sum =
      static_cast<uint16_t>(~check.raw) + static_cast<uint32_t>(static_cast<uint16_t>(~before.raw)) + after.raw;
  return {static_cast<uint16_t>(~checksumFold(sum))};
}

// Returns the sum of the pseudo header of a TCP, UDP or ICMPv6 checksum (RFC 9293 3.1, RFC 8200 8.1), unfolded.
uint64_t pseudoHeaderSum(const IpAddress& source, const IpAddress& destination, uint8_t protocol, uint32_t length);

}  // namespace tunvs
