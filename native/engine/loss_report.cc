#include "engine/loss_report.h"

#include <utility>

namespace tunvs {
namespace {

constexpr Tick kEventTicks = kTicksPerSecond;

constexpr std::pair<Counter WorkerStats::*, std::string_view> kReasons[] = {
    {&WorkerStats::egressNoRoute, "no route or no neighbour to the real server"},
    {&WorkerStats::egressNoBuffer, "the socket's or device's queue was full"},
    {&WorkerStats::egressTooLong, "longer than the path's MTU"},
    {&WorkerStats::egressFailed, "another error of the kernel"},
};

}  // namespace

uint64_t LossReport::due(Told& told, uint64_t count, Tick now) {
  if (count == told.count || (told.isEver && now - told.at < kEventTicks)) return 0;
  told.at = now;
  told.isEver = true;
  return count - std::exchange(told.count, count);
}

void LossReport::look(const WorkerStats& stats, Tick now) {
  lookAtSends(stats, now);
  if (const uint64_t more = due(tooLong_, stats.oversized.read(), now); more != 0) [[unlikely]]
    events_.push({EventType::packetsTooLong, more, "packets were longer than the device's buffers, and were dropped"});
  if (const uint64_t more = due(errors_, unread_, now); more != 0) [[unlikely]]
    events_.push({EventType::errorsUnread, more, unreadWhy_ + ", so that path MTUs may not be learned"});
  lookAtTable(stats, now);
}

void LossReport::lookAtSends(const WorkerStats& stats, Tick now) {
  uint64_t lost = 0;
  for (const auto& [counter, why] : kReasons) lost += (stats.*counter).read();
  if (const uint64_t more = due(lost_, lost, now); more != 0) [[unlikely]] {
    std::string message;
    for (size_t i = 0; i < std::size(kReasons); i++) {
      const uint64_t count = (stats.*kReasons[i].first).read();
      const uint64_t grown = count - std::exchange(lostBefore_[i], count);
      if (grown == 0) continue;
      message += (message.empty() ? "packets could not be sent: " : ", ") + std::to_string(grown) + " (";
      message.append(kReasons[i].second) += ")";
    }
    events_.push({EventType::packetsLost, more, std::move(message)});
  }
}

// The counters tell which entries gave way: evictedClosing, evictedUnproven, evictedIdle.
void LossReport::lookAtTable(const WorkerStats& stats, Tick now) {
  const uint64_t evicted = stats.connectionsEvicted.read();
  const uint64_t refused = stats.verdicts[static_cast<size_t>(Verdict::dropTableFull)].read();
  const uint64_t more = due(full_, evicted + refused, now);
  if (more == 0) [[likely]]
    return;
  const uint64_t gaveWay = evicted - std::exchange(evictedBefore_, evicted);
  const uint64_t cameInVain = refused - std::exchange(refusedBefore_, refused);
  events_.push({EventType::tableFull, more,
                "the connection table is full; " + std::to_string(gaveWay) + " connections gave way to new ones, and " +
                    std::to_string(cameInVain) +
                    " packets that would have opened one were dropped (raise maxConnections, or see the counters "
                    "evictedClosing, evictedUnproven and evictedIdle for what it is full of)"});
}

}  // namespace tunvs
