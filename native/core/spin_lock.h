// A lock for short critical sections: it spins a little, then sleeps in the kernel.
//
// It has three states, so that unlocking wakes somebody only when somebody sleeps. It can lie in plain memory, and has
// no destructor. It can also lie in memory that is mapped out of the kernel, such as a BPF map: the futex goes by its
// address within this process. std::atomic::wait() lets the kernel look for the page's file, and throws where there is
// none.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace tunvs {

inline void cpuRelax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class SpinLock {
 public:
  void lock() {
    for (int i = 0; i < kSpins; i++) {
      uint32_t expected = kFree;
      if (state_.compare_exchange_weak(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) return;
      cpuRelax();
    }
    while (state_.exchange(kContended, std::memory_order_acquire) != kFree) {
      ::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kContended, nullptr, nullptr, 0);
    }
  }

  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) {
      ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
  }

 private:
  static constexpr int kSpins = 100;
  static constexpr uint32_t kFree = 0, kHeld = 1, kContended = 2;
  static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));  // what a futex is
  std::atomic<uint32_t> state_{kFree};
};

class SpinGuard {
 public:
  explicit SpinGuard(SpinLock& lock) : lock_(lock) { lock_.lock(); }
  ~SpinGuard() { lock_.unlock(); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  SpinLock& lock_;
};

}  // namespace tunvs
