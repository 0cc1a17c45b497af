// A LoopThread runs until it is told to stop, and can be woken from its sleep.
//
// Thread safety: any thread calls wake(), stop() and isStopping(); the thread itself calls clear(); one control thread
// calls the rest. Invariant: a thread that was woken or stopped does not sleep on, as the descriptor stays readable
// until clear().
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
  // `otherwise` is the error's sentence when no descriptor can be had.
  static Result<std::unique_ptr<LoopThread>> make(const char* otherwise);
  ~LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  // Works as Thread::start().
  Result<void> start(const char* name, std::function<void()> run) { return thread_.start(name, std::move(run)); }
  Result<void> pin(unsigned cpu) { return thread_.pin(cpu); }
  // Asks the thread to end; join() waits for that.
  void stop();
  void join() { thread_.join(); }
  void wake();

  bool isStopping() const { return isStopping_.load(std::memory_order_acquire); }
  // Returns a descriptor that is readable when the thread was woken or stopped; the thread polls it with what else it
  // waits for.
  int descriptor() const { return wakeUp_.get(); }
  // Forgets that the thread was woken.
  void clear();

 private:
  explicit LoopThread(UniqueFd wakeUp) : wakeUp_(std::move(wakeUp)) {}

  UniqueFd wakeUp_;  // an eventfd
  std::atomic<bool> isStopping_{false};
  Thread thread_;
};

}  // namespace tunvs
