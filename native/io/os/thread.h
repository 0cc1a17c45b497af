// A thread that may fail to start. std::thread's constructor throws then, which without exceptions ends the process.
//
// Thread safety: start() and join() by one control thread.
// Invariants:
//  1. Signals are the application's: none is delivered to such a thread.
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

  // `name`: what it is for, as ps(1) shows it, at most 15 bytes. REQUIRES: not started
  Result<void> start(const char* name, std::function<void()> run);
  // Waits for its end; where it was not started, or was joined, there is nothing to wait for.
  void join();

  // pthread_create, for tests that take the limits of others.
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static Create create;

 private:
  pthread_t thread_{};
  bool isStarted_ = false;
};

}  // namespace tunvs
