// Which bytes of a datagram have been seen, in runs. A run is made of fragments that came in order, each behind the
// last.
//
// A fragment within one run brings nothing new and is a copy, whatever its bytes are. One that lies in two runs, or
// half in one, overlaps. Linux tells the two apart in this way (4.20 and later), and RFC 8200 section 4.5 allows it.
//
// Thread safety: none.
// Invariants:
//  1. Runs are sorted, not empty, do not overlap and end at or before `end_` once that is known.
//  2. `covered_` is the sum of their lengths.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "director/fragment/fragment.h"

namespace tunvs {

// A datagram of 65,535 bytes has 45 fragments at an MTU of 1500, 54 at 1280 and 120 at 576.
inline constexpr size_t kMaxFragments = 128;

class FragmentRanges {
 public:
  // Returns what adding a fragment would mean: none, duplicate, overlap, twoEnds or tooMany.
  FragmentDrop check(const FragmentInfo& info) const {
    const uint32_t start = info.offsetBytes, end = info.endBytes();
    if (end_ != 0 && (info.more ? end > end_ : end != end_)) return FragmentDrop::twoEnds;
    const Range* const at = firstAtOrBehind(start);
    if (!info.more && count_ != 0 && runs_[count_ - 1].end > end) return FragmentDrop::twoEnds;
    if (at != runs_ + count_ && at->start == start && end <= at->end) return FragmentDrop::duplicate;
    if (at != runs_ && end <= at[-1].end) return FragmentDrop::duplicate;
    if (at != runs_ + count_ && at->start < end) return FragmentDrop::overlap;
    if (at != runs_ && at[-1].end > start) return FragmentDrop::overlap;
    return fragments_ == kMaxFragments ? FragmentDrop::tooMany : FragmentDrop::none;
  }

  // Tells whether a copy is the first to say where the datagram ends. REQUIRES: check(info) gave duplicate.
  bool isNews(const FragmentInfo& info) const { return !info.more && end_ == 0; }

  void noteEnd(const FragmentInfo& info) { end_ = static_cast<uint16_t>(info.endBytes()); }

  // REQUIRES: check(info) gave none.
  void add(const FragmentInfo& info) {
    const uint16_t start = info.offsetBytes;
    const auto end = static_cast<uint16_t>(info.endBytes());
    if (!info.more) end_ = end;
    fragments_++;
    covered_ += info.takenBytes();
    if (count_ != 0 && runs_[count_ - 1].end == start) {
      runs_[count_ - 1].end = end;
      return;
    }
    Range* const at = runs_ + (firstAtOrBehind(start) - runs_);
    std::memmove(at + 1, at, static_cast<size_t>(runs_ + count_ - at) * sizeof *at);
    *at = {start, end};
    count_++;
  }

  // Tells whether every byte from 0 to the last fragment's end is there.
  bool isComplete() const { return end_ != 0 && covered_ == end_; }
  void clear() { count_ = 0, fragments_ = 0, end_ = 0, covered_ = 0; }

 private:
  struct Range {
    uint16_t start, end;  // bytes, [start, end)
  };
  const Range* firstAtOrBehind(uint32_t start) const {
    // Fragments mostly come in order.
    if (count_ == 0 || runs_[count_ - 1].start < start) return runs_ + count_;
    return std::lower_bound(runs_, runs_ + count_, start, [](const Range& r, uint32_t s) { return r.start < s; });
  }

  uint16_t count_ = 0;      // of runs
  uint16_t fragments_ = 0;  // in them
  uint16_t end_ = 0;        // where the last fragment ends; 0: not known yet
  uint32_t covered_ = 0;
  Range runs_[kMaxFragments];
};

}  // namespace tunvs
