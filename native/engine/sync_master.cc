#include "engine/sync_master.h"

#include <poll.h>

#include <algorithm>

#include "engine/clock.h"
#include "engine/multicast_outlet.h"
#include "io/os/coarse_clock.h"

namespace tunvs {
namespace {

constexpr size_t kNotesPerTurn = 4096;
constexpr uint64_t kFastRoundMs = 30'000;
constexpr size_t kFastPerTurn = 2048;               // entries, which is less than there is room for
constexpr int kSomethingMs = 10, kNothingMs = 100;  // how long it sleeps after it had something to take, and otherwise

}  // namespace

Result<std::unique_ptr<SyncMaster>> SyncMaster::open(Director& director, const SyncOptions& options) {
  auto loop = LoopThread::make("can't make the thread of connection sync");
  if (!loop) return loop.error();
  std::unique_ptr<SyncMaster> master(new SyncMaster(director, options, std::move(loop).value()));
  if (auto opened = master->openOutlet(); !opened) return opened.error();
  master->makeSender();
  director.beginTelling();
  master->isTelling_ = true;
  if (auto started = master->loop_->start("tunvs/master", [m = master.get()] { m->run(); }); !started)
    return started.error();
  return master;
}

SyncMaster::SyncMaster(Director& director, const SyncOptions& options, std::unique_ptr<LoopThread> loop)
    : director_(director), options_(options), loop_(std::move(loop)) {}

Result<void> SyncMaster::openOutlet() {
  if (!options_.peers.empty()) {
    auto opened = PeerOutlet::open(director_, options_);
    if (!opened) return opened.error();
    peers_ = opened.value().get();
    options_.maxBytes = peers_->maxBytes();
    outlet_ = std::move(opened).value();
    return {};
  }
  const auto mtu = mtuOfInterface(options_.interface);
  if (!mtu) return mtu.error();
  options_.maxBytes = messageBytes(options_, mtu.value());
  auto opened = MulticastOutlet::open(options_, queueMax_);
  if (!opened) return opened.error();
  outlet_ = std::move(opened).value();
  return {};
}

void SyncMaster::makeSender() {
  const uint64_t waitMs = peers_ != nullptr ? kPeerWaitMs : SyncSender::kWaitMs;
  sender_ =
      std::make_unique<SyncSender>(SyncSender::Options{options_.syncid, options_.maxBytes, options_.ports, waitMs},
                                   [this](size_t port, std::span<const uint8_t> message, size_t records) {
                                     outlet_->send(port, message, records, coarseNowMs());
                                   });
}

SyncMaster::~SyncMaster() {
  loop_->stop();
  loop_->join();
  if (isTelling_) director_.endTelling();
}

SyncMasterCounts SyncMaster::counts() const {
  const auto read = [](const std::atomic<uint64_t>& counter) { return counter.load(std::memory_order_relaxed); };
  const SyncOutletCounts& sent = outlet_->counts;
  return {read(sent.messages),       read(sent.bytes),       read(sent.records),
          director_.syncNotesLost(), read(sent.recordsLost), read(sent.messagesFailed)};
}

std::vector<PeerOutlet::Report> SyncMaster::peers() const {
  return peers_ == nullptr ? std::vector<PeerOutlet::Report>() : peers_->reports(coarseNowMs());
}

void SyncMaster::run() {
  std::vector<pollfd> waits;
  while (!loop_->isStopping()) {
    const uint64_t nowMs = coarseNowMs();
    outlet_->turn(nowMs);
    noteFast(nowMs);
    const size_t taken = takeNotes(nowMs);
    sender_->flush(nowMs);
    if (taken >= kNotesPerTurn) continue;
    waits.assign({{loop_->descriptor(), POLLIN, 0}});
    outlet_->addWaits(waits);
    ::poll(waits.data(), waits.size(), waitMs(taken, nowMs));
    if ((waits[0].revents & POLLIN) != 0) loop_->clear();
  }
  // What has been noted is told before the end.
  takeNotes(coarseNowMs());
  sender_->flushAll();
  outlet_->turn(coarseNowMs());
}

int SyncMaster::waitMs(size_t taken, uint64_t nowMs) const {
  uint64_t wait = taken > 0 ? kSomethingMs : kNothingMs;
  wait = std::min({wait, sender_->waitMs(nowMs).value_or(wait), outlet_->waitMs(nowMs)});
  return std::max(static_cast<int>(wait), 1);
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
  if (const uint64_t lost = director_.syncNotesLost(); lost != notesLostSeen_) {
    notesLostSeen_ = lost;
    outlet_->skip();
  }
  return director_.takeSyncNotes(kNotesPerTurn, [&](const SyncRecord& record, SyncVersion version) {
    // Peers know version 1, whatever kernels are told.
    if (peers_ != nullptr) version = SyncVersion::v1;
    // What no message can hold, no transfer could tell either.
    if (!sender_->add(record, version, nowMs)) raise(outlet_->counts.recordsLost);
  });
}

}  // namespace tunvs
