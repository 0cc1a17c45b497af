// A Knocker opens TCP connections, says whether each was taken, and resets it at once. Whoever wants no more of a
// server than that spares itself a stream.
//
// Thread safety: any thread calls any function. A thread of its own watches the sockets, and calls `changed`.
// Invariants: what was cancelled is not told any more, once cancel() has returned; a connection is reset before it is
// told, and so is its port free by then.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/inet.h"
#include "core/result.h"
#include "io/os/loop_thread.h"
#include "io/os/unique_fd.h"

namespace tunvs {

class Knocker {
 public:
  struct End {
    IpAddress address;
    uint16_t port = 0;
  };

  struct Told {
    uint32_t knock;
    int errnoValue;  // 0: the connection was taken
  };

  // `changed` says that take() has something.
  static Result<std::unique_ptr<Knocker>> start(std::function<void()> changed);
  ~Knocker();
  Knocker(const Knocker&) = delete;
  Knocker& operator=(const Knocker&) = delete;

  // Begins to connect; returns a number for it. Without `from` the kernel chooses, and port 0 is one of its choice.
  Result<uint32_t> knock(const End& to, const End* from);
  // Ends a knock; one that is not under way is none to end.
  void cancel(uint32_t knock);
  // Returns what has become of knocks since the last call. Those are under way no longer.
  std::vector<Told> take();

 private:
  Knocker(std::function<void()> changed, UniqueFd poll, std::unique_ptr<LoopThread> loop)
      : changed_(std::move(changed)), poll_(std::move(poll)), loop_(std::move(loop)) {}
  void run();
  // Returns whether there is something to tell.
  bool end(uint32_t knock);

  const std::function<void()> changed_;
  UniqueFd poll_;  // an epoll of all sockets and of the loop's wake-up
  std::mutex mutex_;
  uint32_t last_ = 0;
  std::unordered_map<uint32_t, UniqueFd> underWay_;  // empty while it is reset
  std::vector<Told> told_;
  std::unique_ptr<LoopThread> loop_;  // last, as it uses all the others
};

}  // namespace tunvs
