#include "engine/sync_master.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "engine/clock.h"
#include "io/os/coarse_clock.h"

namespace tunvs {
namespace {

constexpr size_t kNotesPerTurn = 4096;
constexpr uint64_t kFastRoundMs = 30'000;
constexpr size_t kFastPerTurn = 2048;               // entries, which is less than there is room for
constexpr int kSomethingMs = 10, kNothingMs = 100;  // how long it sleeps after it had something to take, and otherwise

void raise(std::atomic<uint64_t>& counter, uint64_t n) { counter.fetch_add(n, std::memory_order_relaxed); }

}  // namespace

Result<std::unique_ptr<SyncMaster>> SyncMaster::open(Director& director, const SyncOptions& options) {
  const auto mtu = mtuOfInterface(options.interface);
  if (!mtu) return mtu.error();
  SyncOptions inForce = options;
  inForce.maxBytes = messageBytes(options, mtu.value());
  std::vector<UniqueFd> sockets;
  for (size_t port = 0; port < options.ports; port++) {
    auto opened = openMulticastSender(socketOptions(options, port));
    if (!opened) return opened.error();
    sockets.push_back(std::move(opened).value());
  }
  auto loop = LoopThread::make("can't make the thread of connection sync");
  if (!loop) return loop.error();
  std::unique_ptr<SyncMaster> master(new SyncMaster(director, inForce, std::move(sockets), std::move(loop).value()));
  director.beginTelling();
  if (auto started = master->loop_->start("tunvs/master", [m = master.get()] { m->run(); }); !started)
    return started.error();
  return master;
}

SyncMaster::SyncMaster(Director& director, SyncOptions options, std::vector<UniqueFd> sockets,
                       std::unique_ptr<LoopThread> loop)
    : director_(director),
      options_(std::move(options)),
      sockets_(std::move(sockets)),
      sender_({options_.syncid, options_.maxBytes, options_.ports},
              [this](size_t port, std::span<const uint8_t> message, size_t records) { send(port, message, records); }),
      queues_(options_.ports),
      loop_(std::move(loop)) {}

SyncMaster::~SyncMaster() {
  loop_->stop();
  loop_->join();
  director_.endTelling();
}

SyncMasterCounts SyncMaster::counts() const {
  const auto read = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  return {read(messages_),           read(bytes_),       read(records_),
          director_.syncNotesLost(), read(recordsLost_), read(messagesFailed_)};
}

void SyncMaster::run() {
  std::vector<pollfd> waits(1 + sockets_.size());
  while (!loop_->isStopping()) {
    const uint64_t nowMs = coarseNowMs();
    sendQueued();
    noteFast(nowMs);
    const size_t taken = takeNotes(nowMs);
    sender_.flush(nowMs);
    if (taken >= kNotesPerTurn) continue;
    const uint64_t wait = sender_.waitMs(nowMs).value_or(kNothingMs);
    const int milliseconds = static_cast<int>(std::min<uint64_t>(wait, taken > 0 ? kSomethingMs : kNothingMs));
    waits[0] = {loop_->descriptor(), POLLIN, 0};
    for (size_t port = 0; port < sockets_.size(); port++) {
      waits[1 + port] = {queues_[port].empty() ? -1 : sockets_[port].get(), POLLOUT, 0};
    }
    ::poll(waits.data(), waits.size(), std::max(milliseconds, 1));
    if ((waits[0].revents & POLLIN) != 0) loop_->clear();
  }
  // What has been noted is told before the end.
  takeNotes(coarseNowMs());
  sender_.flushAll();
  sendQueued();
}

// Connections that the fast path carries are told of once in a round, as most of their packets come to no worker.
void SyncMaster::noteFast(uint64_t nowMs) {
  if (!director_.isHandingOver()) return;
  if (fastCursor_ == UINT64_MAX) {
    if (nowMs - fastRoundMs_ < kFastRoundMs) return;
    fastRoundMs_ = nowMs;
    fastCursor_ = 0;
  }
  fastCursor_ = director_.noteFast(fastCursor_, kFastPerTurn, coarseNow());
}

size_t SyncMaster::takeNotes(uint64_t nowMs) {
  return director_.takeSyncNotes(kNotesPerTurn, [&](const SyncRecord& record, SyncVersion version) {
    if (!sender_.add(record, version, nowMs)) raise(recordsLost_, 1);
  });
}

bool SyncMaster::sendNow(size_t port, std::span<const uint8_t> message, size_t records) {
  const auto sent = retryOnInterrupt(
      [&] { return ::send(sockets_[port].get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
  if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) return false;
  if (sent < 0) {
    raise(messagesFailed_, 1);
    return true;
  }
  raise(messages_, 1);
  raise(bytes_, message.size());
  raise(records_, records);
  return true;
}

void SyncMaster::send(size_t port, std::span<const uint8_t> message, size_t records) {
  auto& queue = queues_[port];
  if (queue.empty() && sendNow(port, message, records)) return;
  if (queued_ >= queueMax_.load(std::memory_order_relaxed)) return raise(recordsLost_, records);
  queue.push_back({{message.begin(), message.end()}, records});
  queued_++;
}

void SyncMaster::sendQueued() {
  for (size_t port = 0; port < queues_.size(); port++) {
    auto& queue = queues_[port];
    while (!queue.empty() && sendNow(port, queue.front().message, queue.front().records)) {
      queue.pop_front();
      queued_--;
    }
  }
}

}  // namespace tunvs
