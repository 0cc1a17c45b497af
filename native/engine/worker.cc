#include "engine/worker.h"

#include <poll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <utility>

#include "engine/available_pages.h"
#include "engine/clock.h"
#include "engine/pace.h"

namespace tunvs {
namespace {

constexpr int kIdleSleepMs = 1000;   // how long it sleeps when there is nothing to expire
constexpr int kRoutesSleepMs = 200;  // how late it tells other workers of routes' MTUs
constexpr int kReclaimMs = 1;    // how late it notices that a port without a descriptor for it has sent what it kept
constexpr long kNapNs = 40'000;  // some vectors of packets at a rate at which naps pay
constexpr Tick kMemoryTicks = kTicksPerSecond;

}  // namespace

Result<std::unique_ptr<Worker>> Worker::create(Parts parts) {
  auto loop = LoopThread::make("can't make a worker");
  if (!loop) return loop.error();
  return std::unique_ptr<Worker>(new Worker(std::move(parts), std::move(loop).value()));
}

Worker::Worker(Parts parts, std::unique_ptr<LoopThread> loop)
    : parts_(std::move(parts)),
      vectors_(parts_.maxPacketBytes),
      vector_(vectors_.free()),
      losses_(parts_.events),
      spin_(parts_.busyPollUs ? std::optional(uint64_t{*parts_.busyPollUs} * 1000) : std::nullopt),
      loop_(std::move(loop)) {}

Result<void> Worker::start() {
  char name[16];
  snprintf(name, sizeof name, "tunvs/%zu", parts_.index);
  return loop_->start(name, [this] { run(); });
}

CpuTime Worker::cpu() const {
  return {userNs_.load(std::memory_order_relaxed), systemNs_.load(std::memory_order_relaxed)};
}

bool Worker::hasTurned() {
  const uint64_t asked = turnsAsked_.load(std::memory_order_relaxed);
  const bool turned = turnAnswered_.load(std::memory_order_relaxed) == asked;
  turnsAsked_.store(asked + 1, std::memory_order_relaxed);
  wake();
  return turned;
}

void Worker::run() {
  Director& director = parts_.director;
  OutputVector out([](void* worker, OutputVector& full) { static_cast<Worker*>(worker)->send(full); }, this);
  housekept_ = coarseNow();
  memoryReadAt_ = housekept_ - kMemoryTicks;
  const bool naps = !parts_.busyPollUs && parts_.queue.allowsNaps();
  if (naps) ::prctl(PR_SET_TIMERSLACK, 1000UL);
  while (!loop_->isStopping()) {
    turnAnswered_.store(turnsAsked_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    const size_t received = receive();
    // What the last vector has shown, now that it is known whether anything waited behind it.
    director.handOver(parts_.index, isQueueEmpty(received));
    const Tick now = coarseNow();
    if (received > 0) {
      spin_.took();
      director.process(parts_.index, vector_->packets(), now, out);
      out.flush();
      tellNarrowPaths();
      if (director.isSyncHurried(parts_.index) && parts_.onSyncHurry) [[unlikely]]
        parts_.onSyncHurry();
    }
    if (parts_.policies != nullptr && director.hasParked(parts_.index)) consultPolicies(now, out);
    const bool isTime = now - housekept_ >= kHousekeepTicks;
    if (isTime || errorsWait_) readErrors(now, out);
    if (isTime) {
      housekeep(now);
    } else if (!isExpiryDone_) {
      isExpiryDone_ = director.expire(parts_.index, now, /*exact=*/false, kExpireBudget);
    }
    const bool readsOn = !parts_.queue.isDrained() || director.hasToHandOver(parts_.index);
    if ((received > 0 && readsOn) || !isExpiryDone_) continue;
    const uint64_t idleNs = monotonicNs();
    if (!isDeviceLost_ && spin_.looksAgain(idleNs)) {
      if (naps) nap();
      continue;
    }
    sleep(now);
    spin_.slept(monotonicNs() - idleNs);
  }
  parts_.queue.abandon();
  housekeep(coarseNow());
  director.leave(parts_.index);
}

// A worker without its device still does its share for the others: above all, it expires connections.
size_t Worker::receive() {
  parts_.queue.reclaim();
  PacketVector* const free = vectors_.free();
  const bool wasHeldBack = std::exchange(isHeldBack_, free == nullptr);
  if (isHeldBack_) [[unlikely]] {
    if (!wasHeldBack) parts_.director.stats(parts_.index).readsHeldBack.add(1);
    return 0;
  }
  if (isDeviceLost_) [[unlikely]]
    return 0;
  vector_ = free;
  auto received = parts_.queue.receive(*vector_);
  if (received) [[likely]]
    return received.value();
  isDeviceLost_ = true;
  parts_.events.push({EventType::deviceLost, parts_.index, received.error().message});
  return 0;
}

// A queue in memory may have shown a vector of packets that were all refused.
bool Worker::isQueueEmpty(size_t received) const {
  return received == 0 && !isHeldBack_ && !isDeviceLost_ && (!parts_.queue.allowsNaps() || parts_.queue.isDrained());
}

void Worker::nap() const {
  const timespec duration{0, kNapNs};
  ::nanosleep(&duration, nullptr);
}

void Worker::sleep(Tick now) {
  if (parts_.policies != nullptr && !parts_.policies->mayFallAsleep()) return parts_.policies->wakeUp();
  parts_.director.leave(parts_.index);
  pollfd waits[4] = {{loop_->descriptor(), POLLIN, 0}};
  nfds_t count = 1;
  int milliseconds = sleepMs(now);
  if (isHeldBack_) {
    const int reclaimed = parts_.queue.reclaimDescriptor();
    if (reclaimed >= 0) waits[count++] = {reclaimed, POLLIN, 0};
    if (reclaimed < 0) milliseconds = kReclaimMs;
  } else {
    const int queue = isDeviceLost_ ? -1 : parts_.queue.pollDescriptor();
    if (queue >= 0) waits[count++] = {queue, POLLIN, 0};
    if (queue < 0 && !isDeviceLost_) milliseconds = 0;
  }
  const nfds_t errors = count;  // from here on, they are those of errors
  if (!isHeldBack_) {
    for (const auto& each : parts_.errors) waits[count++] = {each->pollDescriptor(), POLLIN, 0};
  }
  isIdle_ = poll(waits, count, milliseconds) == 0;
  errorsWait_ = std::any_of(waits + errors, waits + count, [](const pollfd& w) { return w.revents != 0; });
  if (parts_.policies != nullptr) parts_.policies->wakeUp();
  if ((waits[0].revents & POLLIN) != 0) loop_->clear();  // it learns elsewhere that it is to stop
  parts_.director.enter(parts_.index);
  readRoutes();  // they may have changed while it slept
}

// Returns how long it may sleep: as long as possible, or until a policy's answer is late. Nothing is looked for where a
// packet woke it up last, as the next may come soon.
int Worker::sleepMs(Tick now) const {
  if (parts_.policies == nullptr || !parts_.director.hasParked(parts_.index)) {
    if (!isIdle_ || parts_.director.hasToExpire()) return kSleepMs;
    return parts_.routes != nullptr && parts_.director.workers() > 1 ? kRoutesSleepMs : kIdleSleepMs;
  }
  const auto ticks = static_cast<int32_t>(parts_.director.nextDeadline(parts_.index) - now);
  return std::clamp(ticks * static_cast<int>(1000 / kTicksPerSecond), 1, kSleepMs);
}

void Worker::consultPolicies(Tick now, OutputVector& out) {
  Director& director = parts_.director;
  parts_.policies->ask(director, parts_.index, now, out, [](OutputVector& resumed) { resumed.flush(); });
  for (;;) {
    std::array<PolicyAnswer, kVectorSize> answers;
    const size_t count = parts_.policies->takeAnswers(answers);
    const bool isLate = director.hasParked(parts_.index) && reached(now, director.nextDeadline(parts_.index));
    if (count == 0 && !isLate) return;
    director.resume(parts_.index, {answers.data(), count}, now, out);
    out.flush();
    if (count < answers.size()) return;
  }
}

void Worker::readErrors(Tick now, OutputVector& out) {
  errorsWait_ = false;
  for (const auto& errors : parts_.errors) {
    PacketVector* const free = vectors_.free();
    if (free == nullptr) return;
    vector_ = free;
    const auto received = errors->receive(*vector_);
    if (!received) losses_.errorsUnread(received.error());
    if (!received || received.value() == 0) continue;
    parts_.director.process(parts_.index, vector_->packets(), now, out);
    out.flush();
    tellNarrowPaths();
  }
}

void Worker::tellNarrowPaths() {
  const uint64_t lowered = parts_.director.stats(parts_.index).pathMtuLowered.read();
  if (lowered == narrowPathsTold_) [[likely]]
    return;
  narrowPathsTold_ = lowered;
  if (parts_.onNarrowPath) parts_.onNarrowPath();
}

// One worker reads the memory for all; the automatic defences go by what it finds.
void Worker::readMemory(Tick now) {
  if (parts_.index != 0 || now - memoryReadAt_ < kMemoryTicks || !parts_.director.wantsAvailablePages()) return;
  memoryReadAt_ = now;
  if (const auto pages = availablePages()) parts_.director.setAvailablePages(*pages);
}

// One worker looks for all: it sums every shard's count, which is too much for each round.
void Worker::lookAtTables(Tick now) {
  if (parts_.index != 0 || now - tablesSeenAt_ < kMemoryTicks) return;
  tablesSeenAt_ = now;
  for (const Family family : {Family::ipv4, Family::ipv6}) tablePages_.look(parts_.director.connTable(family));
}

void Worker::readRoutes() {
  if (parts_.routes == nullptr) return;
  const uint64_t generation = parts_.routes->mtuGeneration();
  if (generation == routesRead_) return;
  routesRead_ = generation;
  parts_.director.setRouteMtus(parts_.index, [this](const IpAddress& server) { return parts_.routes->mtu(server); });
}

void Worker::housekeep(Tick now) {
  readRoutes();
  isExpiryDone_ = parts_.director.expire(parts_.index, now, /*exact=*/false, kExpireBudget);
  readMemory(now);
  lookAtTables(now);
  housekept_ = now;
  WorkerStats& stats = parts_.director.stats(parts_.index);
  countReads(stats);
  losses_.look(stats, now);
  if (const auto cpu = threadCpuTime()) {
    userNs_.store(cpu->userNs, std::memory_order_relaxed);
    systemNs_.store(cpu->systemNs, std::memory_order_relaxed);
  }
}

// The queues count for themselves, and here goes what was added since the last look.
void Worker::countReads(WorkerStats& stats) {
  uint64_t oversized = parts_.queue.oversized();
  for (const auto& errors : parts_.errors) oversized += errors->oversized();
  stats.oversized.add(oversized - std::exchange(oversizedCounted_, oversized));
  const ReadCounts reads = parts_.queue.readCounts();
  stats.superPackets.add(reads.superPackets - readsCounted_.superPackets);
  stats.badOffloads.add(reads.badOffloads - readsCounted_.badOffloads);
  readsCounted_ = reads;
  const uint64_t refused = parts_.queue.offloadsRefused();
  stats.offloadsRefused.add(refused - std::exchange(offloadsRefusedCounted_, refused));
}

void Worker::send(const OutputVector& out) {
  if (out.count() == 0) return;
  parts_.director.stats(parts_.index).handedOut.add(out.count());
  if (out.hasOthers() || out.hasOffloads()) [[unlikely]]
    return sendMixed(out);
  sendBy(OutputWay::server, out.packets());
}

void Worker::sendMixed(const OutputVector& out) {
  sendWay(out, OutputWay::server);
  if (out.has(OutputWay::client)) sendWay(out, OutputWay::client);
  if (out.has(OutputWay::routed)) sendWay(out, OutputWay::routed);
  if (out.has(OutputWay::host)) parts_.director.stats(parts_.index).sentToHost.add(sendWay(out, OutputWay::host));
}

// Sends what goes this way; what the port can't offload is finished first. Returns the number of packets sent.
size_t Worker::sendWay(const OutputVector& out, OutputWay way) {
  WorkerStats& stats = parts_.director.stats(parts_.index);
  size_t sent = 0;
  SegmentBurst burst(segments_, [&](std::span<const OutputPacket> packets) { sent += sendBy(way, packets).sent; });
  for (size_t i = 0; i < out.count(); i++) {
    if (out.way(i) != way) continue;
    const OutputPacket& packet = out[i];
    if (packet.offload.isNone() || parts_.queue.canOffload(way, packet)) {
      burst.add(packet);
      continue;
    }
    const size_t made = burst.addFinished(packet);
    if (made == 0) stats.egressFailed.add(1);
    if (packet.offload.segmentBytes != 0) stats.segmentsMade.add(made);
    // Each of them is handed out, in place of the one that was counted.
    if (made > 1) stats.handedOut.add(made - 1);
  }
  burst.flush();
  return sent;
}

SendResult Worker::sendBy(OutputWay way, std::span<const OutputPacket> packets) {
  if (packets.empty()) return {};
  const SendResult result = parts_.queue.send(packets, way, *vector_);
  WorkerStats& stats = parts_.director.stats(parts_.index);
  stats.sent.add(result.sent);
  // A packet that the egress cut counts as its segments do.
  if (result.segmentsMade != 0) [[unlikely]] {
    stats.segmentsMade.add(result.segmentsMade);
    stats.handedOut.add(result.handed() - packets.size());
  }
  if (result.noBuffer != 0) stats.egressNoBuffer.add(result.noBuffer);
  if (result.noRoute != 0) stats.egressNoRoute.add(result.noRoute);
  if (result.tooLong != 0) stats.egressTooLong.add(result.tooLong);
  if (result.failed != 0) stats.egressFailed.add(result.failed);
  return result;
}

}  // namespace tunvs
