// A thread that goes round until it is told to stop, and may be woken from its sleep.
//
// Thread safety: wake(), stop() and isStopping() by anybody; the rest by one control thread, clear() by the thread
// itself. Invariant: what was woken or stopped does not sleep on: the descriptor stays readable until clear().
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "core/result.h"
#include "io/os/thread.h"
#include "io/os/unique_fd.h"

namespace tunvs {

class LoopThread {
 public:
  // `otherwise`: the error's sentence where no descriptor is to be had.
  static Result<std::unique_ptr<LoopThread>> make(const char* otherwise);
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  // As Thread::start().
  Result<void> start(const char* name, std::function<void()> run) { return thread_.start(name, std::move(run)); }
  // Asks it to end; join() waits.
  void stop();
  void join() { thread_.join(); }
  void wake();

  bool isStopping() const { return isStopping_.load(std::memory_order_acquire); }
  // Readable when it was woken or stopped: one of what it waits for.
  int descriptor() const { return wakeUp_.get(); }
  // Forgets that it was woken.
  void clear();

 private:
  explicit LoopThread(UniqueFd wakeUp) : wakeUp_(std::move(wakeUp)) {}

  UniqueFd wakeUp_;  // an eventfd
  std::atomic<bool> isStopping_{false};
  Thread thread_;
};

}  // namespace tunvs
