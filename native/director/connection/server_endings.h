// Ends the connections of real servers: of those that were removed, as expire_nodest_conn has it, and of one that the
// control thread is told to rid of them.
//
// It goes through both tables in steps, so that nobody waits long: at most `holds` times a shard's lock is held, each
// for ConnTable::kUnitsPerLock.
//
// Thread safety: the control thread's, between Epochs::enter() and leave(); workers may run beside it.
#pragma once

#include "director/connection/entries.h"
#include "director/counters/stats.h"

namespace tunvs {

// One step of ending a server's connections.
struct EndedSome {
  uint64_t ended;
  uint64_t next;  // the cursor to go on with; UINT64_MAX at the end
};

class ServerEndings {
 public:
  explicit ServerEndings(Entries& entries) : entries_(entries) {}

  // Servers were removed: their connections are to be ended.
  void begin() { left_ = entries_.shardsOfBoth() + (unit_ != 0 ? 1 : 0); }
  bool isDone() const { return left_ == 0; }
  // Goes on with that: ends connections of servers that `services` does not hold available.
  void goOn(const ServiceTable& services, size_t holds);

  // Ends the connections of one server, and then its templates, from `cursor` on, 0 to begin.
  EndedSome endThoseOf(uint32_t server, uint64_t cursor, size_t holds);

  // What was counted in doing so.
  const WorkerStats& stats() const { return stats_; }

 private:
  Entries& entries_;
  WorkerStats stats_;
  // The first goes round both tables, and on until each shard was gone through from its beginning since the last server
  // was removed.
  uint32_t shard_ = 0, unit_ = 0;  // shards of IPv4, then of IPv6
  uint32_t left_ = 0;              // shards to finish; 0: at rest
};

}  // namespace tunvs
