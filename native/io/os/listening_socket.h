// A ListeningSocket watches a listening socket when it is told to, and tells once that somebody waits. Clients are
// taken out of its queue one by one, and stay in the kernel meanwhile.
//
// Thread safety: a thread of its own calls `ready`; one control thread calls the rest.
// Invariant: `ready` is called once for each watch(), at most, and not after the destructor.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "core/result.h"
#include "io/os/accept_client.h"
#include "io/os/loop_thread.h"
#include "io/os/unique_fd.h"

namespace tunvs {

class ListeningSocket {
 public:
  // Duplicates `fd`, which may be closed afterwards.
  static Result<std::unique_ptr<ListeningSocket>> start(int fd, std::function<void()> ready);
  ~ListeningSocket();
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  // Calls `ready` when somebody waits, or at once if somebody does.
  void watch();
  // Does what acceptClient() does.
  Result<AcceptedClient> accept(uint32_t most) { return acceptClient(socket_.get(), most); }

 private:
  ListeningSocket(UniqueFd socket, std::function<void()> ready, std::unique_ptr<LoopThread> loop)
      : socket_(std::move(socket)), ready_(std::move(ready)), loop_(std::move(loop)) {}
  void run();

  const UniqueFd socket_;
  const std::function<void()> ready_;
  const std::unique_ptr<LoopThread> loop_;
  std::atomic<bool> isWatching_{false};
};

}  // namespace tunvs
