// The load defences of IPVS: which of drop_entry, drop_packet and secure_tcp are on.
//
// Each has a mode: 0 is off and 3 is on. 1 and 2 are automatic: on while memory is short, which means that fewer pages
// are available than amemthresh. For an automatic mode, reading the sysctl gives 2 while the defence is on and 1 while
// it is off.
//
// Thread safety: any thread may call everything at any time.
#pragma once

#include <atomic>
#include <cstdint>

#include "director/protocol/tunables.h"

namespace tunvs {

class Defence {
 public:
  // Sets what the last look at the memory found; before the first, there is plenty.
  void setAvailablePages(uint64_t pages) { availablePages_.store(pages, std::memory_order_relaxed); }

  bool isOn(int32_t mode, const Tunables& tunables) const {
    return mode == kAlways || (mode != kOff && isShort(tunables));
  }
  bool securesTcp(const Tunables& tunables) const {
    if (tunables.secureTcp == kOff) [[likely]]
      return false;
    return isOn(tunables.secureTcp, tunables);
  }
  // Returns what the sysctl shows.
  int32_t shown(int32_t mode, const Tunables& tunables) const;
  // Returns n where one in n of the packets that would open a connection is to be dropped; 0: none.
  uint32_t dropRate(const Tunables& tunables) const;

  // Tells whether a mode depends on the memory, so that somebody has to look at it.
  static bool isAutomatic(const Tunables& tunables) {
    return isAutomatic(tunables.dropEntry) || isAutomatic(tunables.dropPacket) || isAutomatic(tunables.secureTcp);
  }

 private:
  static constexpr int32_t kOff = 0, kWaiting = 1, kActing = 2, kAlways = 3;
  static constexpr bool isAutomatic(int32_t mode) { return mode == kWaiting || mode == kActing; }
  bool isShort(const Tunables& tunables) const {
    return availablePages_.load(std::memory_order_relaxed) < static_cast<uint64_t>(tunables.amemthresh);
  }

  std::atomic<uint64_t> availablePages_{UINT64_MAX};
};

// Picks one packet in so many, evenly. Each worker has one.
class EveryNth {
 public:
  // `rate` is the current rate; 0 picks none.
  bool picks(uint32_t rate) {
    if (rate == 0) return false;
    if (left_ > rate) left_ = rate;
    if (left_ > 1) {
      left_--;
      return false;
    }
    left_ = rate;
    return true;
  }

 private:
  uint32_t left_ = 0;
};

}  // namespace tunvs
