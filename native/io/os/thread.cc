#include "io/os/thread.h"

#include <csignal>
#include <memory>

namespace tunvs {

Thread::Create Thread::create = pthread_create;

Result<void> Thread::start(const char* name, std::function<void()> run) {
  assert(!isStarted_);
  auto given = std::make_unique<std::function<void()>>(std::move(run));
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = create(
      &thread_, nullptr,
      [](void* taken) -> void* {
        const std::unique_ptr<std::function<void()>> own(static_cast<std::function<void()>*>(taken));
        (*own)();
        return nullptr;
      },
      given.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    return Error::fromErrno(
        error, "pthread_create",
        std::string("the thread ") + name +
            " could not be started; where the limit of threads is reached, raise it (\"ulimit -u\", "
            "or the pids limit of the container or service)");
  }
  static_cast<void>(given.release());  // now owned by the thread
  isStarted_ = true;
  pthread_setname_np(thread_, name);
  return {};
}

Result<void> Thread::pin(unsigned cpu) {
  assert(isStarted_ && cpu < CPU_SETSIZE);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  const int error = pthread_setaffinity_np(thread_, sizeof set, &set);
  if (error == 0) return {};
  return Error::fromErrno(
      error, "sched_setaffinity",
      "CPU " + std::to_string(cpu) + " can't have a worker: it is not online, or not in this process's cpuset");
}

void Thread::join() {
  if (!isStarted_) return;
  pthread_join(thread_, nullptr);
  isStarted_ = false;
}

}  // namespace tunvs
