// What a worker lost, and who gave way in a full table, told as events: at most one of a kind a second, and nothing is
// left out.
//
// Thread safety: one worker's own.
#pragma once

#include <string>

#include "core/result.h"
#include "core/ticks.h"
#include "director/counters/stats.h"
#include "engine/event_ring.h"

namespace tunvs {

class LossReport {
 public:
  explicit LossReport(EventRing& events) : events_(events) {}

  // Tells what the counters have grown by. Call every now and then.
  void look(const WorkerStats& stats, Tick now);
  // An ICMP queue could not be read; told by the next look().
  void errorsUnread(const Error& error) {
    unread_++;
    unreadWhy_ = error.message;
  }

 private:
  // A kind of event: what was told of it so far, and when.
  struct Told {
    uint64_t count = 0;
    Tick at = 0;
    bool isEver = false;
  };
  // By how much `count` has grown, where it is time to tell; 0: nothing to tell.
  static uint64_t due(Told& told, uint64_t count, Tick now);
  void lookAtSends(const WorkerStats& stats, Tick now);
  void lookAtTable(const WorkerStats& stats, Tick now);

  EventRing& events_;
  Told lost_, tooLong_, errors_, full_;
  uint64_t lostBefore_[4] = {};  // by reason
  uint64_t evictedBefore_ = 0, refusedBefore_ = 0;
  uint64_t unread_ = 0;
  std::string unreadWhy_;
};

}  // namespace tunvs
