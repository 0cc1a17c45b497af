// Mends a checksum by the difference between the sums of what it covers, before and after a change (RFC 1624), however
// many words that is. A right checksum stays right, and a wrong one is wrong by as much as before.
//
// Thread safety: pure.
#pragma once

#include <cstring>

#include "packet/checksum.h"

namespace tunvs {

// Takes sums as checksumAdd() returns them. A checksum stays as it is when the sums are the same.
inline void mendChecksum(uint8_t* field, uint64_t before, uint64_t after) {
  const Be16 sumBefore{checksumFold(before)}, sumAfter{checksumFold(after)};
  if (sumBefore == sumAfter) return;
  const Be16 check = checksumReplace({loadUnaligned<uint16_t>(field)}, sumBefore, sumAfter);
  std::memcpy(field, &check.raw, sizeof check.raw);
}

}  // namespace tunvs
