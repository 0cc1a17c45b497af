#include "io/os/knocker.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "io/os/socket_address.h"
#include "io/os/watch.h"

namespace tunvs {
namespace {

constexpr int kOn = 1;

// A connection that was taken ends by a reset, so that this host keeps no TIME_WAIT for it.
void reset(UniqueFd socket) {
  if (!socket) return;
  constexpr linger kAtOnce{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce);
}

Result<UniqueFd> connecting(const Knocker::End& to, const Knocker::End* from) {
  sockaddr_storage storage;
  const socklen_t length = toSocketAddress(storage, to.address, to.port);
  UniqueFd socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return Error::fromErrno(errno, "socket", "can't connect");
  if (from != nullptr) {
    sockaddr_storage own;
    const socklen_t ownLength = toSocketAddress(own, from->address, from->port);
    // The port may have been used just now, as with any client's.
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), ownLength) != 0)
      return Error::fromErrno(errno, "bind", "can't connect");
  }
  const int status = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length);
  // An interrupted one goes on as one under way does.
  if (status != 0 && errno != EINPROGRESS && errno != EINTR) return Error::fromErrno(errno, "connect", "can't connect");
  return socket;
}

}  // namespace

Result<std::unique_ptr<Knocker>> Knocker::start(std::function<void()> changed) {
  auto loop = LoopThread::make("can't start checks by TCP");
  if (!loop) return loop.error();
  UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
  if (!poll || !watch(poll.get(), loop.value()->descriptor(), kWakeUp, EPOLLIN))
    return Error::fromErrno(errno, "epoll", "can't start checks by TCP");
  std::unique_ptr<Knocker> knocker(new Knocker(std::move(changed), std::move(poll), std::move(loop).value()));
  if (auto started = knocker->loop_->start("tunvs/knock", [self = knocker.get()] { self->run(); }); !started)
    return started.error();
  return knocker;
}

Knocker::~Knocker() {
  loop_->stop();
  loop_->join();
  for (auto& [knock, socket] : underWay_) reset(std::move(socket));
}

Result<uint32_t> Knocker::knock(const End& to, const End* from) {
  auto socket = connecting(to, from);
  if (!socket) return socket.error();
  const std::lock_guard lock(mutex_);
  do {
    last_++;
  } while (last_ == kWakeUp || underWay_.contains(last_));
  // It is watched under the lock: end() finds it in the table.
  if (!watch(poll_.get(), socket.value().get(), last_, EPOLLOUT | EPOLLONESHOT))
    return Error::fromErrno(errno, "epoll_ctl", "can't wait for a connection");
  underWay_.emplace(last_, std::move(socket).value());
  return last_;
}

void Knocker::cancel(uint32_t knock) {
  UniqueFd socket;
  {
    const std::lock_guard lock(mutex_);
    if (auto node = underWay_.extract(knock); !node.empty()) socket = std::move(node.mapped());
    std::erase_if(told_, [&](const Told& told) { return told.knock == knock; });
  }
  reset(std::move(socket));
}

std::vector<Knocker::Told> Knocker::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(told_, {});
}

bool Knocker::end(uint32_t knock) {
  UniqueFd socket;
  {
    const std::lock_guard lock(mutex_);
    const auto found = underWay_.find(knock);
    if (found == underWay_.end()) return false;  // cancelled meanwhile
    socket = std::move(found->second);
  }
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  // Nobody waits for the lock while the reset is on its way through the network.
  reset(std::move(socket));
  const std::lock_guard lock(mutex_);
  if (underWay_.erase(knock) == 0) return false;
  told_.push_back({knock, error});
  return true;
}

void Knocker::run() {
  serveNews(
      *loop_, poll_.get(), [this](uint32_t number) { return end(number); }, changed_);
}

}  // namespace tunvs
