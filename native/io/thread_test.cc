#include "io/thread.h"

#include <atomic>
#include <cerrno>
#include <csignal>

#include "support/testing.h"

namespace tunvs {
namespace {

TEST("a thread runs what it is given, with no signal to hear, and is joined") {
  std::atomic<int> sum{0};
  bool isDeaf = false;
  {
    Thread thread;
    CHECK(thread
              .start("tunvs/test",
                     [&] {
                       sigset_t mask;
                       pthread_sigmask(SIG_SETMASK, nullptr, &mask);
                       isDeaf = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1;
                       sum += 5;
                     })
              .ok());
    thread.join();
    CHECK_EQ(sum.load(), 5);
    CHECK(thread.start("tunvs/test", [&] { sum += 2; }).ok());
  }
  CHECK_EQ(sum.load(), 7);
  CHECK(isDeaf);
}

TEST("a thread that can't be made is an error that names the mend, and leaves nothing to join") {
  Thread::create = [](pthread_t*, const pthread_attr_t*, void* (*)(void*), void*) { return EAGAIN; };
  {
    Thread thread;
    const auto started = thread.start("tunvs/test", [] {});
    CHECK(!started.ok());
    CHECK_EQ(started.error().errnoValue, EAGAIN);
    CHECK(started.error().message.find("ulimit -u") != std::string::npos);
    thread.join();
  }
  Thread::create = pthread_create;
}

}  // namespace
}  // namespace tunvs
