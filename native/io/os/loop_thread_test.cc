#include "io/os/loop_thread.h"

#include <poll.h>

#include "support/failing_threads.h"
#include "support/testing.h"

namespace tunvs::loop_thread_test {
namespace {

bool isReadable(const LoopThread& loop) {
  pollfd wait{loop.descriptor(), POLLIN, 0};
  return ::poll(&wait, 1, 0) == 1;
}

TEST("a loop is woken, goes on, ends when it is told to, and loses no wake-up while it is busy") {
  auto made = LoopThread::make("no loop");
  REQUIRE(made.ok());
  LoopThread& loop = *made.value();
  std::atomic<int> rounds = 0;
  REQUIRE(loop.start("tunvs/test",
                     [&] {
                       while (!loop.isStopping()) {
                         pollfd wait{loop.descriptor(), POLLIN, 0};
                         ::poll(&wait, 1, -1);
                         loop.clear();
                         rounds++;
                       }
                     })
              .ok());
  for (int i = 1; i <= 3; i++) {
    loop.wake();
    while (rounds.load() < i) sched_yield();
  }
  loop.stop();
  loop.join();
  CHECK(loop.isStopping());
}

TEST("a loop that was never started is stopped like any other, and stays woken") {
  auto made = LoopThread::make("no loop");
  REQUIRE(made.ok());
  CHECK(!isReadable(*made.value()));
  made.value()->wake();
  made.value()->wake();
  CHECK(isReadable(*made.value()));
  made.value()->clear();
  CHECK(!isReadable(*made.value()));
  made.value()->stop();
  made.value()->stop();
  CHECK(isReadable(*made.value()));
}

}  // namespace
}  // namespace tunvs::loop_thread_test
