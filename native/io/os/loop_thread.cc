#include "io/os/loop_thread.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace tunvs {

Result<std::unique_ptr<LoopThread>> LoopThread::make(const char* otherwise) {
  UniqueFd wakeUp(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wakeUp) return Error::fromErrno(errno, "eventfd", otherwise);
  return std::unique_ptr<LoopThread>(new LoopThread(std::move(wakeUp)));
}

LoopThread::~LoopThread() {
  stop();
  join();
}

void LoopThread::stop() {
  isStopping_.store(true, std::memory_order_release);
  wake();
}

void LoopThread::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wakeUp_.get(), &one, sizeof one);  // a full counter wakes as well
}

void LoopThread::clear() {
  uint64_t times;
  [[maybe_unused]] const ssize_t cleared = ::read(wakeUp_.get(), &times, sizeof times);  // empty when nobody woke it
}

}  // namespace tunvs
