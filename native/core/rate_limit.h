// A RateLimit is a token bucket that limits one kind of answer of one worker to so many a second and so many at once.
//
// Thread safety: none; a bucket belongs to one worker.
// Invariant: the credit is a whole number of (1 / kTicksPerSecond) answers, so that any rate is kept exactly, for ever.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/ticks.h"

namespace tunvs {

// These are Linux's net.ipv4.icmp_msgs_per_sec and icmp_msgs_burst, which Linux applies to the whole host. Here each
// worker has a bucket for each kind of answer, so a flood of one kind leaves the others alone. Linux's second limit,
// one error a second to each destination (icmp_ratelimit), would need a table of clients and is left out.
inline constexpr uint32_t kAnswersPerSecond = 1000;
inline constexpr uint32_t kAnswerBurst = 50;

class RateLimit {
 public:
  // If perSecond is 0, nothing is granted once the burst is used up. If burst is 0, nothing is granted at all.
  explicit RateLimit(uint32_t perSecond = kAnswersPerSecond, uint32_t burst = kAnswerBurst)
      : perSecond_(perSecond), capacity_(uint64_t{burst} * kTicksPerSecond), credit_(capacity_) {}

  // Returns true when an answer may be sent at `now`, and takes credit for it; otherwise counts the answer as
  // suppressed. A clock that goes back brings no credit.
  bool take(Tick now) {
    if (now != lastRefill_) refill(now);
    if (credit_ < kTicksPerSecond) {
      suppressed_++;
      return false;
    }
    credit_ -= kTicksPerSecond;
    return true;
  }

  uint64_t suppressed() const { return suppressed_; }

 private:
  void refill(Tick now) {
    if (reached(now, lastRefill_)) {
      credit_ = std::min(capacity_, credit_ + uint64_t{now - lastRefill_} * perSecond_);
    }
    lastRefill_ = now;
  }

  uint32_t perSecond_;
  uint64_t capacity_;
  uint64_t credit_;      // [0, capacity_]
  Tick lastRefill_ = 0;  // any tick will do, as the bucket is full at first
  uint64_t suppressed_ = 0;
};

// A SharedRateLimit is a limit that threads share: one every kTicksApart, kBurst at once (the generic cell rate
// algorithm, ITU-T I.371).
//
// Thread safety: any thread calls take(), and a thread calls reset() only while no other does.
template <uint32_t kTicksApart, uint32_t kBurst>
class SharedRateLimit {
 public:
  bool take(Tick now) {
    uint64_t state = state_.load(std::memory_order_relaxed);
    for (;;) {
      const Tick due = static_cast<Tick>(state);
      // A `due` further ahead than a whole burst is long past: ticks count modulo 2^32.
      const bool isAhead = state != kUnused && due - now <= kTicksApart * kBurst;
      const Tick ahead = isAhead ? due - now : 0;
      if (ahead > kTicksApart * (kBurst - 1)) return false;
      const uint64_t next = kUsed | Tick{now + ahead + kTicksApart};
      if (state_.compare_exchange_weak(state, next, std::memory_order_relaxed)) return true;
    }
  }
  // REQUIRES: no other thread calls take() meanwhile
  void reset() { state_.store(kUnused, std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kUnused = 0, kUsed = uint64_t{1} << 32;
  std::atomic<uint64_t> state_{kUnused};  // kUnused, or kUsed and when the next one is due
};

}  // namespace tunvs
