// ExpiryWheels are the timer wheels of a shard of the connection table, one for each standing, over the entries' own
// links.
//
// A wheel has slots of 256 ms. An entry that is due beyond its span waits in the slot farthest ahead and is linked
// again from there. A slot's entries are in the order in which they came. So of entries that stand alike and are due
// equally long after their last packet, the first has been silent longest, whatever the width of a slot.
//
// They lie in the table's region: they have no pointer, and zeroed memory is an empty set of wheels once begin() was
// called.
// Thread safety: none; they are used under the shard's lock.
// Invariants:
//  1. Each linked entry is in the wheel of one standing, and counted there.
//  2. Its slot is not later than that of the time when it is due.
#pragma once

#include "table/conn_link.h"
#include "table/standing.h"

namespace tunvs {

class ExpiryWheels {
 public:
  static constexpr uint32_t kSlots = 512;
  static constexpr uint32_t kTicksPerSlot = 64;  // 256 ms; a wheel spans 131 s
  static constexpr uint32_t kRound = kSlots * kTicksPerSlot;
  static constexpr uint32_t kMaxUnits = (1u << 27) - 1;
  static constexpr uint32_t kNone = kSlots;

  void begin(Tick now) { handled_ = now / kTicksPerSlot * kTicksPerSlot; }
  // The wheels were handled up to here; a multiple of kTicksPerSlot.
  Tick handled() const { return handled_; }
  void advance() { handled_ += kTicksPerSlot; }

  uint32_t count(Standing standing) const { return counts_[static_cast<size_t>(standing)]; }
  uint32_t currentSlot() const { return handled_ / kTicksPerSlot % kSlots; }
  uint32_t slotOf(Tick due) const;
  // Returns the first slot that holds something, from `ahead` slots on; kNone if none does.
  uint32_t firstSlot(Standing standing, uint32_t ahead) const;
  uint32_t slotsAhead(uint32_t slot) const { return (slot - currentSlot()) % kSlots; }
  // Return the first entry of a slot, and the one behind another, as unit + 1; 0 when there is none.
  uint32_t first(Standing standing, uint32_t slot) const { return slots_[static_cast<size_t>(standing)][slot].first; }
  static uint32_t next(const ConnLink* links, uint32_t unit) {
    const uint32_t next = links[unit].next;
    return (next & kEnd) != 0 ? 0 : next;
  }
  static Standing standingOf(const ConnLink* links, uint32_t unit) {
    return static_cast<Standing>(links[unit].previous >> kWheelShift & kWheelMask);
  }

  void link(ConnLink* links, uint32_t unit, Place place);
  void unlink(ConnLink* links, uint32_t unit);
  void move(ConnLink* links, uint32_t unit, Place place) {
    unlink(links, unit);
    link(links, unit, place);
  }

 private:
  static constexpr uint32_t kEnd = 0x80000000;
  static constexpr uint32_t kWheelShift = 27, kWheelMask = 0xf;
  static constexpr uint32_t kUnitMask = kMaxUnits;
  static constexpr uint32_t kWords = kSlots / 64;
  static_assert(kStandings <= kWheelMask + 1);

  struct Slot {
    uint32_t first, last;  // unit + 1
  };

  Tick handled_;
  uint32_t counts_[kStandings];
  uint64_t occupied_[kStandings][kWords];
  Slot slots_[kStandings][kSlots];
};

}  // namespace tunvs
