// A Pinger has echo requests under way, and says what has come of each.
//
// Thread safety: any thread calls any function. A thread of its own reads the sockets, and calls `changed`.
// Invariant: what was cancelled is not told any more, once cancel() has returned.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "io/os/loop_thread.h"
#include "io/packet/echo_socket.h"

namespace tunvs {

class Pinger {
 public:
  struct Told {
    uint32_t ping;
    EchoOutcome outcome;
  };

  // `changed` says that take() has something.
  static Result<std::unique_ptr<Pinger>> start(std::function<void()> changed);
  ~Pinger();
  Pinger(const Pinger&) = delete;
  Pinger& operator=(const Pinger&) = delete;

  // Sends an echo request; returns a number for it.
  Result<uint32_t> ping(const IpAddress& to, uint16_t identifier, std::span<const uint8_t> payload);
  // Forgets a ping; one that is not under way is none to forget.
  void cancel(uint32_t ping);
  // Returns what has become of pings since the last call. Those are under way no longer.
  std::vector<Told> take();

 private:
  Pinger(std::function<void()> changed, UniqueFd poll, std::unique_ptr<LoopThread> loop)
      : changed_(std::move(changed)), poll_(std::move(poll)), loop_(std::move(loop)) {}
  void run();
  // Returns whether there is something to tell.
  bool read(uint32_t ping);

  const std::function<void()> changed_;
  UniqueFd poll_;  // an epoll of all sockets and of the loop's wake-up
  std::mutex mutex_;
  uint32_t last_ = 0;
  std::unordered_map<uint32_t, EchoSocket> underWay_;
  std::vector<Told> told_;
  std::unique_ptr<LoopThread> loop_;  // last, as it uses all the others
};

}  // namespace tunvs
