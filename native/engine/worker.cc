#include "engine/worker.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <utility>

#include "engine/available_pages.h"
#include "engine/clock.h"

namespace tunvs {
namespace {

constexpr int kSleepMs = 100;  // how late an idle worker may expire connections
constexpr int kReclaimMs = 1;  // how late it notices that a port without a descriptor for it has sent what it kept
constexpr Tick kHousekeepTicks = 16;  // 64 ms
// Connections that are looked at between two vectors, so that packets never wait for more than some tens of
// microseconds. A round is spread over as many vectors as it takes.
constexpr size_t kExpireBudget = 512;
constexpr Tick kMemoryTicks = kTicksPerSecond;

uint64_t nsOf(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1000000000 + static_cast<uint64_t>(time.tv_usec) * 1000;
}

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
  uint64_t idleSinceUs = 0;
  housekept_ = coarseNow();
  memoryReadAt_ = housekept_ - kMemoryTicks;
  while (!loop_->isStopping()) {
    turnAnswered_.store(turnsAsked_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    const size_t received = receive();
    const Tick now = coarseNow();
    if (received > 0) {
      idleSinceUs = 0;
      director.process(parts_.index, vector_->packets(), now, out);
      out.flush();
    }
    if (parts_.policies != nullptr && director.hasParked(parts_.index)) consultPolicies(now, out);
    if (now - housekept_ >= kHousekeepTicks || received == 0) readErrors(now, out);
    if (now - housekept_ >= kHousekeepTicks) {
      housekeep(now);
    } else if (!isExpiryDone_) {
      isExpiryDone_ = director.expire(parts_.index, now, /*exact=*/false, kExpireBudget);
    }
    if (received > 0 || !isExpiryDone_) continue;
    if (parts_.busyPollUs > 0 && !isDeviceLost_) {
      const uint64_t nowUs = monotonicUs();
      if (idleSinceUs == 0) idleSinceUs = nowUs;
      if (nowUs - idleSinceUs < parts_.busyPollUs) continue;
    }
    sleep(now);
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
    for (const auto& errors : parts_.errors) waits[count++] = {errors->pollDescriptor(), POLLIN, 0};
  }
  poll(waits, count, milliseconds);
  if (parts_.policies != nullptr) parts_.policies->wakeUp();
  if ((waits[0].revents & POLLIN) != 0) loop_->clear();  // it learns elsewhere that it is to stop
  parts_.director.enter(parts_.index);
}

// Returns how long it may sleep: as long as possible, or until a policy's answer is late.
int Worker::sleepMs(Tick now) const {
  if (parts_.policies == nullptr || !parts_.director.hasParked(parts_.index)) return kSleepMs;
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
  for (const auto& errors : parts_.errors) {
    PacketVector* const free = vectors_.free();
    if (free == nullptr) return;
    vector_ = free;
    const auto received = errors->receive(*vector_);
    if (!received) losses_.errorsUnread(received.error());
    if (!received || received.value() == 0) continue;
    parts_.director.process(parts_.index, vector_->packets(), now, out);
    out.flush();
  }
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
  uint64_t oversized = parts_.queue.oversized();
  for (const auto& errors : parts_.errors) oversized += errors->oversized();
  stats.oversized.add(oversized - oversizedCounted_);
  oversizedCounted_ = oversized;
  losses_.look(stats, now);
  rusage usage;
  if (getrusage(RUSAGE_THREAD, &usage) == 0) {
    userNs_.store(nsOf(usage.ru_utime), std::memory_order_relaxed);
    systemNs_.store(nsOf(usage.ru_stime), std::memory_order_relaxed);
  }
}

void Worker::send(const OutputVector& out) {
  if (out.count() == 0) return;
  parts_.director.stats(parts_.index).handedOut.add(out.count());
  if (out.has(OutputWay::host) || out.has(OutputWay::client) || out.hasOffloads()) [[unlikely]]
    return sendMixed(out);
  sendBy(OutputWay::server, out.packets());
}

void Worker::sendMixed(const OutputVector& out) {
  OutputPacket away[OutputVector::kMax], local[OutputVector::kMax], answers[OutputVector::kMax];
  size_t awayCount = 0, localCount = 0, answerCount = 0;
  size_t refused = 0;
  for (size_t i = 0; i < out.count(); i++) {
    if (!out[i].offload.isNone() && !parts_.queue.canOffload(out.way(i))) {
      refused++;
    } else if (out.way(i) == OutputWay::host) {
      local[localCount++] = out[i];
    } else if (out.way(i) == OutputWay::client) {
      answers[answerCount++] = out[i];
    } else {
      away[awayCount++] = out[i];
    }
  }
  if (refused != 0) parts_.director.stats(parts_.index).egressTooLong.add(refused);
  sendBy(OutputWay::server, {away, awayCount});
  sendBy(OutputWay::client, {answers, answerCount});
  parts_.director.stats(parts_.index).sentToHost.add(sendBy(OutputWay::host, {local, localCount}).sent);
}

SendResult Worker::sendBy(OutputWay way, std::span<const OutputPacket> packets) {
  if (packets.empty()) return {};
  const SendResult result = parts_.queue.send(packets, way, *vector_);
  WorkerStats& stats = parts_.director.stats(parts_.index);
  stats.sent.add(result.sent);
  if (result.noBuffer != 0) stats.egressNoBuffer.add(result.noBuffer);
  if (result.noRoute != 0) stats.egressNoRoute.add(result.noRoute);
  if (result.tooLong != 0) stats.egressTooLong.add(result.tooLong);
  if (result.failed != 0) stats.egressFailed.add(result.failed);
  return result;
}

}  // namespace tunvs
