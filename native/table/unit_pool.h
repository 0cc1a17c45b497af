// Which units of a shard are free, and which will be when no reader can hold a reference to them any more.
//
// What is retired gathers in a batch; a batch waits, as a whole, for the readers to pass on since its last unit, while
// the next one gathers behind it. Units that were never used come last, so that their memory is not touched before.
//
// It lies in the table's region: no pointer, zeroed memory is a pool of units none of which was used.
// Thread safety: none; under the shard's lock.
// Invariants:
//  1. Each unit was never used, is in use, is free, or waits in one batch; by `next` the last two are lists.
//  2. A unit is free only after every reader has passed a quiescent point since it was retired (Epochs).
#pragma once

#include "core/epochs.h"
#include "table/conn_link.h"

namespace tunvs {

class UnitPool {
 public:
  // Units from here on were never used.
  uint32_t used() const { return untouched_; }
  // Nothing is free and nothing waits; the units below `used` are in use.
  void begin(uint32_t used) { *this = {}, untouched_ = used; }

  // Whether allocate() would find one of `total` units. What waits is looked at only where nothing is free.
  bool hasRoom(ConnLink* links, uint32_t total, const Epochs& epochs);
  // As unit + 1; 0: none is free.
  uint32_t allocate(ConnLink* links, uint32_t total, const Epochs& epochs);
  // Nobody has seen it. REQUIRES: in use
  void free(ConnLink* links, uint32_t unit);
  // Readers may still look at it. REQUIRES: in use, and to be found no more
  void retire(ConnLink* links, uint32_t unit, const Epochs& epochs);
  // Frees what has waited long enough.
  void reclaim(ConnLink* links, const Epochs& epochs);

 private:
  struct Batch {
    uint32_t first, last;  // unit + 1
    uint64_t epoch;        // of the last one; 64 bits, so that they are safe however long they have waited
    uint32_t count;
  };

  uint32_t untouched_ = 0;
  uint32_t freeHead_ = 0;             // unit + 1
  Batch waiting_ = {}, behind_ = {};  // `behind_` gathers until `waiting_` is free
};

static_assert(sizeof(UnitPool) == 56);  // a part of what ConnRegion::kLayoutVersion stands for

}  // namespace tunvs
