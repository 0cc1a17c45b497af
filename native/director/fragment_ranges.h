// Which bytes of a datagram have been seen: one range per fragment, sorted and apart from each other.
//
// Thread safety: none.
// Invariants:
//  1. Ranges are not empty, do not overlap and end at or before `end_` once that is known.
//  2. `covered_` is the sum of their lengths.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "director/fragment.h"

namespace tunvs {

// A datagram of 65,535 bytes has 45 fragments at an MTU of 1500, 54 at 1280 and 120 at 576.
inline constexpr size_t kMaxFragments = 128;

class FragmentRanges {
 public:
  // What adding a fragment would mean: none, duplicate (same bytes, same end), overlap, twoEnds or tooMany.
  FragmentDrop check(const FragmentInfo& info) const {
    const uint32_t start = info.offsetBytes, end = info.endBytes();
    const Range* const at = firstAtOrBehind(start);
    const bool isLast = !info.more;
    if (at != ranges_ + count_ && at->start == start && at->end == end && isLast == (end == end_)) {
      return FragmentDrop::duplicate;
    }
    if (end_ != 0 && (isLast ? end != end_ : end >= end_)) return FragmentDrop::twoEnds;
    if (isLast && end_ == 0 && count_ != 0 && ranges_[count_ - 1].end > end) return FragmentDrop::twoEnds;
    if (at != ranges_ + count_ && at->start < end) return FragmentDrop::overlap;
    if (at != ranges_ && at[-1].end > start) return FragmentDrop::overlap;
    return count_ == kMaxFragments ? FragmentDrop::tooMany : FragmentDrop::none;
  }

  // REQUIRES: check(info) gave none.
  void add(const FragmentInfo& info) {
    Range* const at = ranges_ + (firstAtOrBehind(info.offsetBytes) - ranges_);
    std::memmove(at + 1, at, static_cast<size_t>(ranges_ + count_ - at) * sizeof *at);
    *at = {info.offsetBytes, static_cast<uint16_t>(info.endBytes())};
    count_++;
    covered_ += info.payloadBytes;
    if (!info.more) end_ = at->end;
  }

  // Every byte from 0 to the last fragment's end is there.
  bool isComplete() const { return end_ != 0 && covered_ == end_; }
  bool hasFirst() const { return count_ != 0 && ranges_[0].start == 0; }
  size_t count() const { return count_; }
  void clear() { count_ = 0, end_ = 0, covered_ = 0; }

 private:
  struct Range {
    uint16_t start, end;  // bytes, [start, end)
  };
  const Range* firstAtOrBehind(uint32_t start) const {
    // Fragments mostly come in order.
    if (count_ == 0 || ranges_[count_ - 1].start < start) return ranges_ + count_;
    return std::lower_bound(ranges_, ranges_ + count_, start, [](const Range& r, uint32_t s) { return r.start < s; });
  }

  uint16_t count_ = 0;
  uint16_t end_ = 0;  // where the last fragment ends; 0: not known yet
  uint32_t covered_ = 0;
  Range ranges_[kMaxFragments];
};

}  // namespace tunvs
