// Reports as events what a worker lost, and what gave way in a full table: at most one event of a kind per second, and
// nothing is left out.
//
// Thread safety: it belongs to one worker.
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

  // Reports what the counters have grown by. Call it every now and then.
  void look(const WorkerStats& stats, Tick now);
  // Notes that an ICMP queue could not be read; the next look() reports it.
  void errorsUnread(const Error& error) {
    unread_++;
    unreadWhy_ = error.message;
  }

 private:
  // A kind of event: what was reported of it so far, and when.
  struct Told {
    uint64_t count = 0;
    Tick at = 0;
    bool isEver = false;
  };
  // Returns by how much `count` has grown if it is time to report it; 0: nothing to report.
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
