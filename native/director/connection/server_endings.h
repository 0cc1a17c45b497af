// Ends connections of real servers: of removed ones, as expire_nodest_conn demands, and of one that the control thread
// names.
//
// It goes through both tables in steps, so that nobody waits for long: it holds a shard's lock at most `holds` times,
// each time for ConnTable::kUnitsPerLock.
//
// Thread safety: the control thread calls it, between Epochs::enter() and leave(); workers may run beside it.
#pragma once

#include "director/connection/entries.h"
#include "director/counters/stats.h"

namespace tunvs {

// What one step of ending a server's connections did.
struct EndedSome {
  uint64_t ended;
  uint64_t next;  // the cursor to continue with; UINT64_MAX at the end
};

class ServerEndings {
 public:
  explicit ServerEndings(Entries& entries) : entries_(entries) {}

  // Begins to end the connections of servers that were removed.
  void begin() { left_ = entries_.shardsOfBoth() + (unit_ != 0 ? 1 : 0); }
  bool isDone() const { return left_ == 0; }
  // Continues with that: ends connections of servers that are not available in `services`.
  void goOn(const ServiceTable& services, size_t holds);

  // Ends the connections of one server, and then its templates, from `cursor` on; begin with 0.
  EndedSome endThoseOf(uint32_t server, uint64_t cursor, size_t holds);

  // Returns what was counted meanwhile.
  const WorkerStats& stats() const { return stats_; }

 private:
  Entries& entries_;
  WorkerStats stats_;
  // The walk over removed servers goes around both tables until it has gone through each shard from its beginning since
  // the last server was removed.
  uint32_t shard_ = 0, unit_ = 0;  // shards of IPv4, then of IPv6
  uint32_t left_ = 0;              // shards to finish; 0: at rest
};

}  // namespace tunvs
