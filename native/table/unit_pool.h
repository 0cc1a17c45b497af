// A UnitPool knows which units of a shard are free, and which will be when no reader can hold a reference to them any
// more.
//
// Retired units gather in a batch. A batch waits, as a whole, until the readers have passed on since its last unit,
// while the next one gathers behind it. Units that were never used come last, so that their memory is not touched
// before.
//
// It lies in the table's region: it has no pointer, and zeroed memory is a pool of units none of which was used.
// Thread safety: none; it is used under the shard's lock.
// Invariants:
//  1. Each unit was never used, is in use, is free, or waits in one batch; free and waiting units are lists by `next`.
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

  // Returns true when allocate() would find one of `total` units. Waiting units are looked at only when none is free.
  bool hasRoom(ConnLink* links, uint32_t total, const Epochs& epochs);
  // Returns unit + 1; 0 when none is free.
  uint32_t allocate(ConnLink* links, uint32_t total, const Epochs& epochs);
  // REQUIRES: the unit is in use, and no reader has seen it
  void free(ConnLink* links, uint32_t unit);
  // Readers may still look at the unit. REQUIRES: in use, and no longer to be found
  void retire(ConnLink* links, uint32_t unit, const Epochs& epochs);
  // Frees the units that have waited long enough.
  void reclaim(ConnLink* links, const Epochs& epochs);

 private:
  struct Batch {
    uint32_t first, last;  // unit + 1
    uint64_t epoch;        // of the last unit; 64 bits, so that it is safe however long it has waited
    uint32_t count;
  };

  uint32_t untouched_ = 0;
  uint32_t freeHead_ = 0;             // unit + 1
  Batch waiting_ = {}, behind_ = {};  // `behind_` gathers until `waiting_` is freed
};

static_assert(sizeof(UnitPool) == 56);  // kLayoutVersion of ConnRegion covers this layout

}  // namespace tunvs
