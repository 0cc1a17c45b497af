// A TagGroup is a copy of one bucket of the table's index: the tags of 15 slots, and a count, in 16 bytes. It compares
// all tags at once.
//
// Thread safety: it is a value.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tunvs {

struct TagGroup {
  static constexpr uint32_t kSlots = 15;
  static constexpr uint32_t kAll = (1u << kSlots) - 1;

  uint64_t low;   // slots 0..7, the first in the lowest byte
  uint64_t high;  // slots 8..14, then the count

  // Returns a bit for each slot whose tag is `tag`, the first slot's the lowest. No other slot has one: an entry whose
  // tag only looked alike may be just being written.
  uint32_t matches(uint8_t tag) const {
#if defined(__SSE2__)
    const __m128i tags = _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low));
    const __m128i equal = _mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(tag)));
    return static_cast<uint32_t>(_mm_movemask_epi8(equal)) & kAll;
#else
    return matchesByWords(tag);
#endif
  }
  // Does the same without vectors.
  uint32_t matchesByWords(uint8_t tag) const { return (marks(low, tag) | marks(high, tag) << 8) & kAll; }

  uint8_t tag(uint32_t slot) const { return static_cast<uint8_t>((slot < 8 ? low : high) >> slot % 8 * 8); }
  uint32_t count() const { return static_cast<uint32_t>(high >> 56); }

 private:
  static uint32_t marks(uint64_t tags, uint8_t tag) {
    constexpr uint64_t kHighBits = 0x8080808080808080;
    const uint64_t difference = tags ^ (uint64_t{0x0101010101010101} * tag);
    const uint64_t equal = ~(((difference & ~kHighBits) + ~kHighBits) | difference) & kHighBits;
    return static_cast<uint32_t>((equal >> 7) * 0x0102040810204080 >> 56);  // gathers the bytes' bits in one byte
  }
};

}  // namespace tunvs
