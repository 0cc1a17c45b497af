// SipHash (Aumasson, Bernstein 2012) is a keyed hash of bytes to 64 bits.
//
// IPVS's mh hashes with SipHash-1-3 under fixed keys, so these numbers are part of an outside contract.
#pragma once

#include <cstdint>
#include <span>

namespace tunvs {

struct SipKey {
  uint64_t k0 = 0, k1 = 0;
};

// Takes one round for each word and three at the end.
uint64_t sipHash13(SipKey key, std::span<const uint8_t> bytes);
// Takes two rounds for each word and four at the end, as the algorithm was first published.
uint64_t sipHash24(SipKey key, std::span<const uint8_t> bytes);

// Returns the sipHash13 of the four bytes of `word` in little-endian order.
uint64_t sipHash13(SipKey key, uint32_t word);

}  // namespace tunvs
