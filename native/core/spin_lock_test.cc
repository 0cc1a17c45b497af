#include "core/spin_lock.h"

#include <chrono>
#include <thread>
#include <vector>

#include "support/testing.h"

namespace tunvs::spin_lock_test {
namespace {

TEST("a spin lock lets one thread at a time into a critical section") {
  SpinLock lock;
  uint64_t counter = 0;  // plain: a thread sanitizer sees any two threads that touch it at once
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20000; round++) {
        const SpinGuard guard(lock);
        counter++;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK_EQ(counter, 80000u);
}

TEST("a spin lock wakes a thread that went to sleep waiting for it") {
  // The holder keeps the lock until the others must have stopped spinning; none of them may be left asleep.
  SpinLock lock;
  std::atomic<int> arrived = 0;
  int entered = 0;
  std::vector<std::thread> threads;
  lock.lock();
  for (int i = 0; i < 3; i++) {
    threads.emplace_back([&] {
      arrived++;
      const SpinGuard guard(lock);
      entered++;
    });
  }
  while (arrived < 3) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_EQ(entered, 0);
  lock.unlock();
  for (auto& thread : threads) thread.join();
  CHECK_EQ(entered, 3);
}

TEST("a spin lock is free in zeroed memory") {
  alignas(SpinLock) unsigned char zeros[sizeof(SpinLock)] = {};
  auto& lock = *reinterpret_cast<SpinLock*>(zeros);
  lock.lock();
  lock.unlock();
  lock.lock();
  lock.unlock();
  CHECK_EQ(sizeof(SpinLock), 4u);
}

}  // namespace
}  // namespace tunvs::spin_lock_test
