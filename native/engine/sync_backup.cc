#include "engine/sync_backup.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/clock.h"
#include "io/os/coarse_clock.h"
#include "sync/sync_reader.h"

namespace tunvs {
namespace {

constexpr size_t kRoomBytes = 65536;  // any datagram
constexpr size_t kDatagramsPerTurn = 32;
constexpr int kRetryMs = 250, kQuietMs = 1000;  // how long it sleeps while records wait for servers, and otherwise
constexpr int kPauseMs = 10;
constexpr int64_t kMostUnits = SyncBackup::kUnitsPerSecond / 4;

void addTo(std::atomic<uint64_t>& counter, uint64_t n) { counter.fetch_add(n, std::memory_order_relaxed); }

}  // namespace

Result<std::unique_ptr<SyncBackup>> SyncBackup::open(Director& director, const SyncOptions& options) {
  const auto mtu = mtuOfInterface(options.interface);
  if (!mtu) return mtu.error();
  SyncOptions inForce = options;
  inForce.maxBytes = messageBytes(options, mtu.value());
  std::vector<UniqueFd> sockets;
  for (size_t port = 0; port < options.ports; port++) {
    auto opened = openMulticastReceiver(socketOptions(options, port));
    if (!opened) return opened.error();
    sockets.push_back(std::move(opened).value());
  }
  auto loop = LoopThread::make("can't make the thread of connection sync");
  if (!loop) return loop.error();
  std::unique_ptr<SyncBackup> backup(new SyncBackup(director, inForce, std::move(sockets), std::move(loop).value()));
  director.beginListening();
  if (auto started = backup->loop_->start("tunvs/backup", [b = backup.get()] { b->run(); }); !started)
    return started.error();
  return backup;
}

SyncBackup::SyncBackup(Director& director, SyncOptions options, std::vector<UniqueFd> sockets,
                       std::unique_ptr<LoopThread> loop)
    : director_(director),
      options_(std::move(options)),
      sockets_(std::move(sockets)),
      lostSeen_(sockets_.size()),
      room_(std::make_unique<uint8_t[]>(kRoomBytes)),
      units_(kMostUnits),
      loop_(std::move(loop)) {}

SyncBackup::~SyncBackup() {
  loop_->stop();
  loop_->join();
  director_.endListening();
}

SyncBackupCounts SyncBackup::counts() const {
  const auto read = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  SyncBackupCounts counts{read(messages_), read(bytes_), read(records_), read(messagesLost_), read(pauses_)};
  std::ranges::transform(refused_, counts.refused.begin(), read);
  std::ranges::transform(outcomes_, counts.outcomes.begin(), read);
  return counts;
}

void SyncBackup::run() {
  std::vector<pollfd> waits(1 + sockets_.size());
  while (!loop_->isStopping()) {
    refill(coarseNowMs());
    receive();
    const bool mayGoOn = units_ > 0;
    if (!mayGoOn) addTo(pauses_, 1);
    waits[0] = {loop_->descriptor(), POLLIN, 0};
    for (size_t port = 0; port < sockets_.size(); port++) {
      waits[1 + port] = {mayGoOn ? sockets_[port].get() : -1, POLLIN, 0};
    }
    const int milliseconds = !mayGoOn ? kPauseMs : director_.syncRecordsWaiting() != 0 ? kRetryMs : kQuietMs;
    ::poll(waits.data(), waits.size(), milliseconds);
    if ((waits[0].revents & POLLIN) != 0) loop_->clear();
  }
}

void SyncBackup::refill(uint64_t nowMs) {
  const uint64_t passedMs = std::min<uint64_t>(nowMs - refilledMs_, 1000);
  refilledMs_ = nowMs;
  units_ = std::min(kMostUnits, units_ + static_cast<int64_t>(passedMs * kUnitsPerSecond / 1000));
}

void SyncBackup::receive() {
  director_.takeSyncRecords(coarseNow(), [&](auto&& take) {
    for (size_t port = 0; port < sockets_.size(); port++) {
      for (size_t i = 0; i < kDatagramsPerTurn && units_ > 0; i++) {
        if (!receiveOne(port, take)) break;
      }
    }
  });
}

template <typename Take>
bool SyncBackup::receiveOne(size_t port, Take&& take) {
  iovec data{room_.get(), kRoomBytes};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint32_t))];
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const auto received =
      retryOnInterrupt([&] { return ::recvmsg(sockets_[port].get(), &header, MSG_DONTWAIT | MSG_TRUNC); });
  if (received < 0) return false;
  for (const cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr;
       each = CMSG_NXTHDR(&header, const_cast<cmsghdr*>(each))) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SO_RXQ_OVFL) continue;
    uint32_t lost = 0;
    std::memcpy(&lost, CMSG_DATA(each), sizeof lost);
    addTo(messagesLost_, lost - std::exchange(lostSeen_[port], lost));
  }
  addTo(messages_, 1);
  addTo(bytes_, static_cast<uint64_t>(received));
  uint64_t records = 0;
  readSyncMessage(
      {room_.get(), std::min<size_t>(static_cast<size_t>(received), kRoomBytes)}, options_.syncid,
      [&](const SyncRecord& record) {
        records++;
        addTo(outcomes_[static_cast<size_t>(take(record))], 1);
      },
      [&](SyncRefusal refusal) { addTo(refused_[static_cast<size_t>(refusal)], 1); });
  addTo(records_, records);
  units_ -= static_cast<int64_t>(records + kDatagramUnits);
  return true;
}

}  // namespace tunvs
