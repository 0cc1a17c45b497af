// A SequenceShift says how far one direction's sequence numbers have moved because text in it was replaced by text of
// another length, and shifts what follows from that: the direction's own sequence numbers, and the acknowledgements and
// selective acknowledgements (RFC 2018) that the other direction sends.
//
// Numbers before a replacement keep the shift that was in force before, so a retransmission comes out where it came
// out the first time. The last two replacements are remembered; what is older than both would need a segment that is
// retransmitted after the client has asked for a passive port three times.
//
// Comparisons are modulo 2^32, so numbers may wrap around. They are wrong for a number that is 2^31 or more behind or
// before the last replacement; a control connection that says 2 GiB behind it is none that needs to work.
//
// Thread safety: none; whoever holds it says who may use it. Zero-initialised it shifts nothing, and it can be copied
// and stored as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "packet/offload.h"

namespace tunvs {

// Tells whether a sequence number is `mark` or comes behind it.
inline bool hasReached(uint32_t number, uint32_t mark) { return static_cast<int32_t>(number - mark) >= 0; }

// Invariants:
// 1. The original numbers of `older` end where those of `newest` begin, or before.
// 2. A replacement that there was not has no bytes, and the shift before it is that behind it.
struct SequenceShift {
  struct Replacement {
    uint32_t at = 0;       // original sequence number of the first byte that was replaced
    uint32_t removed = 0;  // original bytes; 0 says that there is no replacement
    uint32_t before = 0;   // the shift of numbers up to `at`, modulo 2^32
  };
  Replacement older;
  Replacement newest;
  uint32_t after = 0;  // the shift of numbers from newest.at + newest.removed on, modulo 2^32

  // Returns the shift that moves every number by `by`.
  static constexpr SequenceShift everywhere(uint32_t by) { return {{0, 0, by}, {0, 0, by}, by}; }

  // Tells whether what was stored as bytes can be one.
  bool isSound() const {
    if (newest.removed == 0) return older.removed == 0 && older.before == after && newest.before == after;
    if (older.removed == 0 && older.before != newest.before) return false;
    return newest.removed <= 0xffff && older.removed <= 0xffff &&
           (older.removed == 0 || hasReached(newest.at, older.at + older.removed));
  }

  // Tells whether no number is changed.
  bool isNone() const { return (older.before | newest.before | after) == 0; }

  // Takes note that `removed` bytes from the original number `at` on become `inserted` bytes, and returns true. A
  // replacement that is remembered already, because its segment is sent again, is not counted twice. Returns false,
  // and changes nothing, for one that numbers can't be right with: it begins before the end of the last one, or is a
  // remembered one with other lengths. Its segment has to keep its length.
  // REQUIRES: `removed` and `inserted` in [1, 65535]
  bool record(uint32_t at, uint32_t removed, uint32_t inserted);

  // Returns the number that the receiver sees for an original one. One within replaced bytes is moved to a place within
  // the new bytes, since none of them is the same byte.
  uint32_t forward(uint32_t original) const;

  // Returns the original number for one that the receiver acknowledges. One within the new bytes becomes the first
  // replaced one: who has a part of the new text has to get all of it again, as there is no saying which part of the
  // old text that would be.
  uint32_t back(uint32_t seen) const;

  // Does what back() does, but takes one within the new bytes to the end of the replaced ones. This is for the left
  // edges of selective acknowledgements, which thus never say that more has arrived than has.
  uint32_t backToEnd(uint32_t seen) const;
};
static_assert(std::is_trivially_copyable_v<SequenceShift> && sizeof(SequenceShift) == 28);

// Shifts the numbers of a segment that begins at `tcp`: its sequence number by `own`, the shift of its direction, and
// what it acknowledges back by `other`, the shift of the opposite direction. The checksum is mended by the difference,
// so a wrong one stays wrong; one that `offload` leaves to the sender covers none of this and stays. A checksum of
// 0xffff, which is another 0 that nobody writes, may become 0.
//
// `bytes` is what there is of the segment. Less than a header is left alone, as are options whose length is a lie.
void mendTcp(uint8_t* tcp, size_t bytes, const SequenceShift& own, const SequenceShift& other,
             const Offload& offload = {});

}  // namespace tunvs
