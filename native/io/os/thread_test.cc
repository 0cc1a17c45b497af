#include "io/os/thread.h"

#include <atomic>
#include <csignal>

#include "support/failing_threads.h"
#include "support/testing.h"

namespace tunvs::thread_test {
namespace {

TEST("a thread runs what it is given, receives no signal, and is joined") {
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
  const testing::FailingThreads none;
  Thread thread;
  const auto started = thread.start("tunvs/test", [] {});
  REQUIRE(!started.ok());
  CHECK(testing::saysThreads(started.error()));
  thread.join();
}

}  // namespace
}  // namespace tunvs::thread_test
