// A SequenceWindow tells which sequence numbers have come, and counts those that have not: as IPsec tells replayed
// packets (RFC 4303, 3.4.3).
//
// Thread safety: none.
// Invariants: a number is taken at most once. Each number up to settled() was taken or is counted as lost, and never
// both.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tunvs {

class SequenceWindow {
 public:
  static constexpr uint64_t kSpan = 64;

  // Begins behind `last`, as if all up to it had come.
  explicit SequenceWindow(uint64_t last = 0) : newest_(last), settled_(last) {}

  // Returns false for a number that has come before, or that is too old to tell.
  bool take(uint64_t sequence) {
    if (sequence <= settled_) return false;
    if (sequence > newest_) advance(sequence);
    const uint64_t bit = uint64_t{1} << (newest_ - sequence);
    if ((seen_ & bit) != 0) return false;
    seen_ |= bit;
    return true;
  }
  // Numbers up to `last` that have not come by now are lost.
  void settle(uint64_t last) {
    if (last <= settled_) return;
    if (last > newest_) advance(last);
    count(last);
  }

  // Tells whether a number up to `last` has not come, and may still come.
  bool isMissing(uint64_t last) const {
    if (last > newest_) return true;
    for (uint64_t each = settled_ + 1; each <= last; each++) {
      if ((seen_ >> (newest_ - each) & 1) == 0) return true;
    }
    return false;
  }

  uint64_t newest() const { return newest_; }
  uint64_t settled() const { return settled_; }
  uint64_t lost() const { return lost_; }

 private:
  void advance(uint64_t newest) {
    if (newest > kSpan) count(newest - kSpan);
    const uint64_t by = newest - newest_;
    seen_ = by < kSpan ? seen_ << by : 0;
    newest_ = newest;
  }
  void count(uint64_t last) {
    if (last <= settled_) return;
    for (uint64_t each = settled_ + 1; each <= std::min(last, newest_); each++) {
      if ((seen_ >> (newest_ - each) & 1) == 0) lost_++;
    }
    if (last > newest_) lost_ += last - std::max(newest_, settled_);
    settled_ = last;
  }

  uint64_t newest_;
  uint64_t settled_;
  uint64_t seen_ = 0;  // bit n: newest - n has come
  uint64_t lost_ = 0;
};

}  // namespace tunvs
