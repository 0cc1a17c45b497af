#include "engine/multicast_outlet.h"

#include <sys/socket.h>

#include <cerrno>

namespace tunvs {

Result<std::unique_ptr<MulticastOutlet>> MulticastOutlet::open(const SyncOptions& options,
                                                               const std::atomic<size_t>& queueMax) {
  std::vector<UniqueFd> sockets;
  for (size_t port = 0; port < options.ports; port++) {
    auto opened = openMulticastSender(socketOptions(options, port));
    if (!opened) return opened.error();
    sockets.push_back(std::move(opened).value());
  }
  return std::unique_ptr<MulticastOutlet>(new MulticastOutlet(std::move(sockets), queueMax));
}

bool MulticastOutlet::sendNow(size_t port, std::span<const uint8_t> message, size_t records) {
  const auto sent = retryOnInterrupt(
      [&] { return ::send(sockets_[port].get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
  if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) return false;
  if (sent < 0) {
    raise(counts.messagesFailed);
    return true;
  }
  raise(counts.messages);
  raise(counts.bytes, message.size());
  raise(counts.records, records);
  return true;
}

void MulticastOutlet::send(size_t port, std::span<const uint8_t> message, size_t records, uint64_t) {
  auto& queue = queues_[port];
  if (queue.empty() && sendNow(port, message, records)) return;
  if (queued_ >= queueMax_.load(std::memory_order_relaxed)) return raise(counts.recordsLost, records);
  queue.push_back({{message.begin(), message.end()}, records});
  queued_++;
}

void MulticastOutlet::turn(uint64_t) {
  for (size_t port = 0; port < queues_.size(); port++) {
    auto& queue = queues_[port];
    while (!queue.empty() && sendNow(port, queue.front().message, queue.front().records)) {
      queue.pop_front();
      queued_--;
    }
  }
}

void MulticastOutlet::addWaits(std::vector<pollfd>& waits) const {
  for (size_t port = 0; port < sockets_.size(); port++) {
    if (!queues_[port].empty()) waits.push_back({sockets_[port].get(), POLLOUT, 0});
  }
}

}  // namespace tunvs
