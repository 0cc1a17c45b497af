#include "engine/sync_backup.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/clock.h"
#include "io/os/coarse_clock.h"
#include "io/os/socket_address.h"
#include "io/os/udp_socket.h"
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
  auto loop = LoopThread::make("can't make the thread of connection sync");
  if (!loop) return loop.error();
  std::unique_ptr<SyncBackup> backup(new SyncBackup(director, options, std::move(loop).value()));
  if (auto opened = backup->openSockets(); !opened) return opened.error();
  director.beginListening();
  backup->isListening_ = true;
  if (auto started = backup->loop_->start("tunvs/backup", [b = backup.get()] { b->run(); }); !started)
    return started.error();
  return backup;
}

SyncBackup::SyncBackup(Director& director, const SyncOptions& options, std::unique_ptr<LoopThread> loop)
    : director_(director),
      options_(options),
      room_(std::make_unique<uint8_t[]>(kRoomBytes)),
      units_(kMostUnits),
      loop_(std::move(loop)) {}

Result<void> SyncBackup::openSockets() {
  if (!options_.peers.empty()) {
    auto opened = PeerInlet::open(options_);
    if (!opened) return opened.error();
    peers_ = std::move(opened).value();
    descriptors_.push_back(peers_->socket());
  } else {
    const auto mtu = mtuOfInterface(options_.interface);
    if (!mtu) return mtu.error();
    options_.maxBytes = messageBytes(options_, mtu.value());
    for (size_t port = 0; port < options_.ports; port++) {
      auto opened = openMulticastReceiver(socketOptions(options_, port));
      if (!opened) return opened.error();
      descriptors_.push_back(opened.value().get());
      sockets_.push_back(std::move(opened).value());
    }
  }
  lostSeen_.resize(descriptors_.size());
  return {};
}

SyncBackup::~SyncBackup() {
  loop_->stop();
  loop_->join();
  if (isListening_) director_.endListening();
}

SyncBackupCounts SyncBackup::counts() const {
  const auto read = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  SyncBackupCounts counts{read(messages_), read(bytes_), read(records_), read(messagesLost_), read(pauses_)};
  std::ranges::transform(refused_, counts.refused.begin(), read);
  std::ranges::transform(outcomes_, counts.outcomes.begin(), read);
  return counts;
}

std::vector<PeerInlet::Report> SyncBackup::peers() const {
  return peers_ == nullptr ? std::vector<PeerInlet::Report>() : peers_->reports(coarseNowMs());
}

void SyncBackup::run() {
  std::vector<pollfd> waits;
  while (!loop_->isStopping()) {
    const uint64_t nowMs = coarseNowMs();
    refill(nowMs);
    receive(nowMs);
    if (peers_ != nullptr) peers_->turn(nowMs);
    const bool mayGoOn = units_ > 0;
    if (!mayGoOn) addTo(pauses_, 1);
    waits.assign({{loop_->descriptor(), POLLIN, 0}});
    for (const int descriptor : descriptors_) waits.push_back({mayGoOn ? descriptor : -1, POLLIN, 0});
    ::poll(waits.data(), waits.size(), waitMs(mayGoOn, nowMs));
    if ((waits[0].revents & POLLIN) != 0) loop_->clear();
  }
}

int SyncBackup::waitMs(bool mayGoOn, uint64_t nowMs) const {
  uint64_t wait = !mayGoOn ? kPauseMs : director_.syncRecordsWaiting() != 0 ? kRetryMs : kQuietMs;
  if (peers_ != nullptr) wait = std::min(wait, peers_->waitMs(nowMs));
  return std::max(static_cast<int>(wait), 1);
}

void SyncBackup::refill(uint64_t nowMs) {
  const uint64_t passedMs = std::min<uint64_t>(nowMs - refilledMs_, 1000);
  refilledMs_ = nowMs;
  units_ = std::min(kMostUnits, units_ + static_cast<int64_t>(passedMs * kUnitsPerSecond / 1000));
}

void SyncBackup::receive(uint64_t nowMs) {
  director_.takeSyncRecords(coarseNow(), [&](auto&& take) {
    for (size_t port = 0; port < descriptors_.size(); port++) {
      for (size_t i = 0; i < kDatagramsPerTurn && units_ > 0; i++) {
        if (!receiveOne(port, nowMs, take)) break;
      }
    }
  });
}

void SyncBackup::refuse(SyncRefusal refusal) { addTo(refused_[static_cast<size_t>(refusal)], 1); }

template <typename Take>
bool SyncBackup::receiveOne(size_t port, uint64_t nowMs, Take&& take) {
  iovec data{room_.get(), kRoomBytes};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint32_t)) + kPacketInfoBytes];
  std::optional<IpAddress> local;
  sockaddr_storage from{};
  msghdr header{};
  header.msg_name = &from;
  header.msg_namelen = sizeof from;
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const auto received =
      retryOnInterrupt([&] { return ::recvmsg(descriptors_[port], &header, MSG_DONTWAIT | MSG_TRUNC); });
  if (received < 0) return false;
  for (const cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr;
       each = CMSG_NXTHDR(&header, const_cast<cmsghdr*>(each))) {
    if (const auto address = localAddressIn(*each)) local = address;
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SO_RXQ_OVFL) continue;
    uint32_t lost = 0;
    std::memcpy(&lost, CMSG_DATA(each), sizeof lost);
    addTo(messagesLost_, lost - std::exchange(lostSeen_[port], lost));
  }
  addTo(messages_, 1);
  addTo(bytes_, static_cast<uint64_t>(received));
  const std::span<const uint8_t> datagram(room_.get(), std::min<size_t>(static_cast<size_t>(received), kRoomBytes));
  uint64_t units = kDatagramUnits;
  if (peers_ != nullptr) {
    const auto takeIt = [&](std::span<const uint8_t> message, bool isTransfer, uint32_t transfer) {
      const Taken taken = takeMessage(message, {isTransfer, static_cast<uint16_t>(transfer)}, take);
      units += taken.records;
      return taken.hadRoom;
    };
    const auto [address, source] = fromSocketAddress(from);
    if (const auto refusal = peers_->take(datagram, {address, source}, local, nowMs, takeIt)) refuse(*refusal);
    units += options_.keys.size() * datagram.size() / kSealedBytesPerUnit;
  } else {
    units += takeMessage(datagram, {}, take).records;
  }
  units_ -= static_cast<int64_t>(units);
  return true;
}

template <typename Take>
SyncBackup::Taken SyncBackup::takeMessage(std::span<const uint8_t> message, SyncOrigin origin, Take&& take) {
  Taken taken;
  readSyncMessage(
      message, options_.syncid,
      [&](const SyncRecord& record) {
        taken.records++;
        const SyncOutcome outcome = take(record, origin);
        if (outcome == SyncOutcome::noRoom) taken.hadRoom = false;
        addTo(outcomes_[static_cast<size_t>(outcome)], 1);
      },
      [&](SyncRefusal refusal) { refuse(refusal); });
  addTo(records_, taken.records);
  return taken;
}

}  // namespace tunvs
