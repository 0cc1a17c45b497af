#include "io/os/listening_socket.h"

#include <poll.h>

namespace tunvs {

Result<std::unique_ptr<ListeningSocket>> ListeningSocket::start(int fd, std::function<void()> ready) {
  auto socket = duplicated(fd);
  if (!socket) return socket.error();
  auto loop = LoopThread::make("can't watch a listening socket");
  if (!loop) return loop.error();
  std::unique_ptr<ListeningSocket> listening(
      new ListeningSocket(std::move(socket).value(), std::move(ready), std::move(loop).value()));
  auto started = listening->loop_->start("tunvs/listen", [self = listening.get()] { self->run(); });
  if (!started) return started.error();
  return listening;
}

ListeningSocket::~ListeningSocket() {
  loop_->stop();
  loop_->join();
}

void ListeningSocket::watch() {
  isWatching_.store(true, std::memory_order_release);
  loop_->wake();
}

void ListeningSocket::run() {
  while (!loop_->isStopping()) {
    // poll(2) passes over a negative descriptor.
    const bool isWatching = isWatching_.load(std::memory_order_acquire);
    pollfd waits[2] = {{loop_->descriptor(), POLLIN, 0}, {isWatching ? socket_.get() : -1, POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (loop_->isStopping()) return;
    if (waits[0].revents != 0) loop_->clear();
    if (waits[1].revents == 0) continue;
    isWatching_.store(false, std::memory_order_release);
    ready_();
  }
}

}  // namespace tunvs
