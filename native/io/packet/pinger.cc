#include "io/packet/pinger.h"

#include <sys/epoll.h>
#include <algorithm>

#include "io/os/watch.h"

namespace tunvs {
Result<std::unique_ptr<Pinger>> Pinger::start(std::function<void()> changed) {
  auto loop = LoopThread::make("can't start pings");
  if (!loop) return loop.error();
  UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
  if (!poll || !watch(poll.get(), loop.value()->descriptor(), kWakeUp, EPOLLIN))
    return Error::fromErrno(errno, "epoll", "can't start pings");
  std::unique_ptr<Pinger> pinger(new Pinger(std::move(changed), std::move(poll), std::move(loop).value()));
  if (auto started = pinger->loop_->start("tunvs/ping", [self = pinger.get()] { self->run(); }); !started)
    return started.error();
  return pinger;
}

Pinger::~Pinger() {
  loop_->stop();
  loop_->join();
}

Result<uint32_t> Pinger::ping(const IpAddress& to, uint16_t identifier, std::span<const uint8_t> payload) {
  const std::lock_guard lock(mutex_);
  do {
    last_++;
  } while (last_ == kWakeUp || underWay_.contains(last_));
  auto sent = EchoSocket::send(to, identifier, static_cast<uint16_t>(last_), payload);
  if (!sent) return sent.error();
  if (!watch(poll_.get(), sent.value().descriptor(), last_, EPOLLIN))
    return Error::fromErrno(errno, "epoll_ctl", "can't wait for the answer to a ping");
  underWay_.emplace(last_, std::move(sent).value());
  return last_;
}

void Pinger::cancel(uint32_t ping) {
  const std::lock_guard lock(mutex_);
  underWay_.erase(ping);
  std::erase_if(told_, [&](const Told& told) { return told.ping == ping; });
}

std::vector<Pinger::Told> Pinger::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(told_, {});
}

bool Pinger::read(uint32_t ping) {
  const std::lock_guard lock(mutex_);
  const auto found = underWay_.find(ping);
  if (found == underWay_.end()) return false;  // cancelled meanwhile
  const auto outcome = found->second.receive();
  if (!outcome) return false;
  told_.push_back({ping, *outcome});
  underWay_.erase(found);
  return true;
}

void Pinger::run() {
  serveNews(
      *loop_, poll_.get(), [this](uint32_t number) { return read(number); }, changed_);
}

}  // namespace tunvs
