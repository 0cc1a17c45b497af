// RetiredUnits are the removed units of a shard that wait until no reader can hold a reference to them any more.
//
// They gather in a batch. A batch waits, as a whole, until the readers have passed on since its last unit, while the
// next one gathers behind it. Those that have waited long enough are given back a few at a time, so that nobody is held
// up by many.
//
// They lie in the table's region: there is no pointer, and zeroed memory is nobody who waits.
// Thread safety: none; they are used under the shard's lock.
// Invariants:
//  1. A unit waits in one batch; a batch is a list by `next`.
//  2. A unit is given back only after every reader has passed a quiescent point since it was retired (Epochs).
#pragma once

#include "core/epochs.h"
#include "table/conn_link.h"

namespace tunvs {

class RetiredUnits {
 public:
  // So many have to gather before it is worth looking at the readers.
  static constexpr uint32_t kBatch = 32;  // an eighth of those that the smallest shard has room for

  uint32_t count() const { return count_; }
  // Readers may still look at the unit. Returns true when it is time for reclaim(). REQUIRES: no longer to be found
  bool retire(ConnLink* links, uint32_t unit, const Epochs& epochs);
  // Calls `give(unit)` for units that have waited long enough, `limit` at most. `inKernel`: also for the program in the
  // kernel.
  template <typename Give>
  void reclaim(ConnLink* links, const Epochs& epochs, bool inKernel, uint32_t limit, Give&& give);

 private:
  struct Batch {
    uint32_t first, last;  // unit + 1
    uint64_t epoch;        // of the last unit; 64 bits, so that it is safe however long it has waited
    uint32_t count;        // of units that have come to it
    bool isSafe;
  };

  uint32_t count_ = 0;
  Batch waiting_ = {}, behind_ = {};  // `behind_` gathers until `waiting_` is given back
};

static_assert(sizeof(RetiredUnits) == 56);  // kLayoutVersion of ConnRegion covers this layout

template <typename Give>
void RetiredUnits::reclaim(ConnLink* links, const Epochs& epochs, bool inKernel, uint32_t limit, Give&& give) {
  const auto isSafe = [&](uint64_t epoch) { return inKernel ? epochs.isSafeInKernel(epoch) : epochs.isSafe(epoch); };
  for (;;) {
    if (waiting_.first == 0) {
      waiting_ = behind_;
      behind_ = {};
      if (waiting_.first == 0) return;
    }
    if (!waiting_.isSafe && !isSafe(waiting_.epoch)) return;
    waiting_.isSafe = true;
    for (; waiting_.first != 0; limit--) {
      if (limit == 0) return;
      const uint32_t unit = waiting_.first - 1;
      waiting_.first = links[unit].next;
      count_--;
      give(unit);
    }
  }
}

}  // namespace tunvs
