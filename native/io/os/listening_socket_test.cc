#include "io/os/listening_socket.h"

#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "support/local_listener.h"
#include "support/testing.h"

namespace tunvs::listening_socket_test {
namespace {

// Counts what the thread tells.
class Told {
 public:
  void operator()() {
    std::lock_guard guard(lock_);
    times_++;
    changed_.notify_all();
  }
  // Returns whether it was told so many times before a test would be called hung.
  bool waitFor(int times) {
    std::unique_lock guard(lock_);
    return changed_.wait_for(guard, std::chrono::seconds(20), [&] { return times_ >= times; });
  }
  int times() {
    std::lock_guard guard(lock_);
    return times_;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  int times_ = 0;
};

TEST("a listening socket tells once for each time that it is told to watch, and at once when somebody waits") {
  LocalListener door;
  REQUIRE(door.isOpen());
  Told told;
  auto started = ListeningSocket::start(door.fd(), [&] { told(); });
  REQUIRE(started.ok());
  ListeningSocket& socket = *started.value();
  const UniqueFd first = door.client();
  CHECK_EQ(told.times(), 0);
  for (int times = 1; times <= 3; times++) {
    socket.watch();
    CHECK(told.waitFor(times));
    CHECK_EQ(told.times(), times);
  }
  const auto accepted = socket.accept(8);
  REQUIRE(accepted.ok());
  CHECK(accepted.value().client);
  socket.watch();
  const UniqueFd second = door.client();
  CHECK(told.waitFor(4));
}

TEST("a listening socket ends while it watches, and while it does not") {
  for (const bool isWatching : {false, true}) {
    LocalListener door;
    REQUIRE(door.isOpen());
    auto started = ListeningSocket::start(door.fd(), [] {});
    REQUIRE(started.ok());
    if (isWatching) started.value()->watch();
  }
}

TEST("a descriptor that cannot be duplicated is no listening socket") {
  const auto none = ListeningSocket::start(-1, [] {});
  REQUIRE(!none.ok());
  CHECK_EQ(none.error().errnoValue, EBADF);
}

}  // namespace
}  // namespace tunvs::listening_socket_test
