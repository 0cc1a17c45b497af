// A record that is changed as a whole, in memory that outlives the process, which may die at any store: what is new is
// written to the copy that does not hold, which then comes to hold by one store.
//
// Thread safety: one thread at a time changes a record. Zeroed memory is a record that is not there.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace tunvs {

template <typename Copy>
class Twofold {
 public:
  void write(const Copy& copy) {
    const uint32_t other = holds_.load(std::memory_order_relaxed) == 1 ? 2 : 1;
    copies_[other - 1] = copy;
    holds_.store(other, std::memory_order_release);
  }
  void erase() { holds_.store(0, std::memory_order_release); }
  // Returns null where there is none.
  const Copy* read() const {
    const uint32_t holds = holds_.load(std::memory_order_acquire);
    return holds == 1 || holds == 2 ? &copies_[holds - 1] : nullptr;
  }

 private:
  static_assert(std::is_trivially_copyable_v<Copy>);

  std::atomic<uint32_t> holds_;  // 0: none; else the copy's number, from 1 on
  Copy copies_[2];
};

}  // namespace tunvs
