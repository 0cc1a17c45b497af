// Ends connections without a packet: at their deadline, or before it by drop_entry.
//
// Thread safety: as Director; each worker has its share of both tables' shards.
#pragma once

#include "director/connection/drop_entry.h"
#include "director/connection/entries.h"
#include "director/counters/stats.h"
#include "director/worker/defence.h"
#include "director/worker/worker_context.h"

namespace tunvs {

class Expiry {
 public:
  Expiry(Entries& entries, const Control& control, const Defence& defence, size_t workers)
      : entries_(entries), control_(control), defence_(defence), workers_(workers) {}

  // Looks at no more than `budget` connections of a worker's share; the next call continues where this one stopped.
  // Returns true when nothing is left.
  bool expire(size_t worker, WorkerStats& stats, ExpiryRound& round, Tick now, bool exact, size_t budget);

  // Applies drop_entry: ends what looks abandoned. REQUIRES: `worker` is between Epochs::enter() and leave().
  void dropEntries(size_t worker, WorkerStats& stats, DropEntry& entries, Tick now);

 private:
  Entries& entries_;
  const Control& control_;
  const Defence& defence_;
  size_t workers_;
};

}  // namespace tunvs
