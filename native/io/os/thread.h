// A Thread may fail to start. std::thread's constructor throws in that case, which ends the process when exceptions are
// off.
//
// Thread safety: one control thread calls start() and join().
// Invariants:
//  1. No signal is delivered to such a thread: signals belong to the application.
//  2. A thread that was started is joined before this object goes.
#pragma once

#include <pthread.h>

#include <functional>

#include "core/result.h"

namespace tunvs {

class Thread {
 public:
  Thread() = default;
  ~Thread() { join(); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // `name` says what the thread is for, as ps(1) shows it, in at most 15 bytes. REQUIRES: not started
  Result<void> start(const char* name, std::function<void()> run);
  // Keeps the thread on one CPU, [0, CPU_SETSIZE). REQUIRES: started and not joined
  Result<void> pin(unsigned cpu);
  // Waits for the thread's end. If it was not started, or was joined, there is nothing to wait for.
  void join();

  // Calls pthread_create, or a stand-in of tests that take the limits of others.
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static Create create;

 private:
  pthread_t thread_{};
  bool isStarted_ = false;
};

}  // namespace tunvs
