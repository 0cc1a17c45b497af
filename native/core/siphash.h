// SipHash (Aumasson, Bernstein 2012): a keyed hash of bytes to 64 bits.
//
// SipHash-1-3 with fixed keys is what IPVS's mh hashes with, so its numbers are part of an outside contract.
#pragma once

#include <cstdint>
#include <span>

namespace tunvs {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

// One round for each word, three at the end.
uint64_t sipHash13(SipKey key, std::span<const uint8_t> bytes);
// Two and four: the one that was published first.
uint64_t sipHash24(SipKey key, std::span<const uint8_t> bytes);

// sipHash13 of the four bytes of `word` in little-endian order.
uint64_t sipHash13(SipKey key, uint32_t word);

}  // namespace tunvs
