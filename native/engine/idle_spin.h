// Says whether a worker whose queue is empty looks again or sleeps. It looks again for as long as it was told to; and
// for kSpinNs when packets come so densely that sleeping and waking up costs more than to wait for the next one.
//
// To wake a thread up takes some 5 us on bare metal, and 30 to 40 in a virtual machine, of the CPU's time and of the
// packet's. So whoever waits for at most kSpinNs spends hardly more than it would have spent on a sleep, and often
// less.
//
// Thread safety: none. There is no clock in it: the caller says what time it is.
// Invariants:
//  1. A worker that was told 0 never spins.
//  2. A worker that was told nothing spins only after a sleep shorter than kShortSleepNs, or a spin that packets ended.
//  3. After n spins in a row in vain, it sleeps min(2^n, kMostSkipped) times before it tries again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace tunvs {

class IdleSpin {
 public:
  static constexpr uint64_t kSpinNs = 20'000;
  static constexpr uint64_t kShortSleepNs = 60'000;  // with the waking up
  static constexpr uint32_t kMostSkipped = 64;

  // Without a word it is up to the packets; 0 says to sleep at once, always.
  explicit IdleSpin(std::optional<uint64_t> toldNs) : toldNs_(toldNs.value_or(0)), adapts_(toldNs != uint64_t{0}) {}

  // The worker took packets. It may do so many times before it finds the queue empty.
  void took() { hasTaken_ = true; }

  // The worker found the queue empty. Returns whether to look again.
  bool looksAgain(uint64_t nowNs) {
    if (std::exchange(hasTaken_, false)) {
      cameAfter();
      idleSinceNs_ = nowNs;
    } else if (idleSinceNs_ == 0) {
      idleSinceNs_ = nowNs;
    }
    const uint64_t limit = isDense_ ? std::max(kSpinNs, toldNs_) : toldNs_;
    if (nowNs - idleSinceNs_ < limit) {
      isSpinning_ = true;
      return true;
    }
    if (isDense_) giveUp();
    isSpinning_ = false;
    return false;
  }

  // The worker slept for so long.
  void slept(uint64_t ns) {
    sleptNs_ = ns;
    hasSlept_ = true;
    idleSinceNs_ = 0;
  }

 private:
  // Packets ended a spin or a sleep, or followed others.
  void cameAfter() {
    if (isSpinning_ && isDense_) skip_ = 1;
    if (hasSlept_ && toSkip_ > 0) {
      toSkip_--;
    } else if (hasSlept_) {
      isDense_ = adapts_ && sleptNs_ < kShortSleepNs;
    }
    isSpinning_ = hasSlept_ = false;
  }

  void giveUp() {
    isDense_ = false;
    skip_ = std::min(2 * skip_, kMostSkipped);
    toSkip_ = skip_;
  }

  const uint64_t toldNs_;
  const bool adapts_;
  uint64_t idleSinceNs_ = 0;  // 0: not known
  uint64_t sleptNs_ = 0;
  uint32_t skip_ = 1;      // [1, kMostSkipped]: how many sleeps to leave out after the next spin in vain, halved
  uint32_t toSkip_ = 0;    // [0, skip_]
  bool hasTaken_ = false;  // since looksAgain()
  bool isDense_ = false;
  bool isSpinning_ = false;
  bool hasSlept_ = false;
};

}  // namespace tunvs
