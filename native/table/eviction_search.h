// An EvictionSearch decides which entry gives way in a full shard of the connection table.
//
// There is a wheel for each standing (table/standing.h). A full shard gives up the first entry of the first wheel in
// the order of standings, if it gives way. Entries that have moved since they were linked are linked anew on the way,
// with a bound of their own. A newcomer, which has shown nothing, takes the place of an entry that has only while those
// without proof are less than a part of the shard.
//
// Thread safety: none; it runs under the shard's lock.
// Invariants:
//  1. The number of entries that it looks at is bounded, however large the shard.
//  2. It moves entries between the wheels, and changes nothing else of them.
#pragma once

#include "table/conn_region.h"

namespace tunvs {

// A search looks at no more than kEvictionSearch entries of each standing that keep their places, and links no more
// than kEvictionRelinks anew in all.
inline constexpr size_t kEvictionSearch = 16, kEvictionRelinks = 128;
// Those without proof take places from those with proof while they are less than one in so many of a shard's capacity.
inline constexpr uint32_t kUnprovenShare = 4;

template <typename Judge>
class EvictionSearch {
 public:
  EvictionSearch(const ConnRegion& region, uint32_t shard, Tick now, Judge& judge)
      : region_(region),
        index_(shard),
        shard_(region.shard(shard)),
        wheels_(shard_.wheels),
        links_(region.links(shard)),
        now_(now),
        judge_(judge) {}

  // Returns unit + 1; 0 when nobody gives way.
  uint32_t find() {
    if (const uint32_t overdue = firstOverdue()) return overdue;
    if (const uint32_t closing = first(Standing::closing)) return closing;
    if (const uint32_t stale = first(Standing::stale)) return stale;
    if (const uint32_t proven = firstProven()) return proven;
    if (const uint32_t beginner = oldestBeginner()) return beginner;
    // When every link was out of date, there are only the entries that were linked anew.
    return seen_[0].found;
  }

 private:
  static constexpr Tick kRestTicks = 16;

  uint32_t count(Standing standing) const { return wheels_.count(standing); }
  Conn& conn(uint32_t found) const { return *region_.connAt(index_, found - 1); }

  // Returns one of those that have shown something, as far as they may be taken from.
  uint32_t firstProven() {
    const uint32_t share = region_.shardCapacity() / kUnprovenShare;
    const uint32_t unproven =
        count(Standing::stale) + count(Standing::opening) + count(Standing::fresh) + count(Standing::heldUnproven);
    if (unproven >= share) return 0;
    if (last_ != 0) return last_;
    // A search that was in vain a moment ago would be again, and cost every newcomer of a flood the same.
    if (shard_.rests && now_ - shard_.restsSince < kRestTicks) return 0;
    shard_.rests = false;
    const Standing proven[] = {Standing::slightLong, Standing::slightIdle, Standing::slightBusy,
                               Standing::solidLong,  Standing::solidIdle,  Standing::solidBusy};
    const uint32_t slight = count(Standing::slightLong) + count(Standing::slightIdle) + count(Standing::slightBusy);
    const bool mayTakeSolid = unproven + slight < share;
    for (const Standing standing : proven) {
      if (standing == Standing::solidLong && !mayTakeSolid) break;
      if (const uint32_t idle = first(standing)) return idle;
    }
    const Seen& seen = seen_[1];
    if (seen.found != 0 && (mayTakeSolid || seen.standing < Standing::solidLong)) return seen.found;
    if (relinks_ > 0) {
      shard_.rests = true;
      shard_.restsSince = now_;
    }
    return 0;
  }

  // Returns an entry that expiry has not come to yet.
  uint32_t firstOverdue() {
    for (size_t i = 0; i < static_cast<size_t>(Standing::held); i++) {
      const auto standing = static_cast<Standing>(i);
      const uint32_t slot = wheels_.firstSlot(standing, 0);
      if (slot == ExpiryWheels::kNone) continue;
      const Tick end = wheels_.handled() + (wheels_.slotsAhead(slot) + 1) * ExpiryWheels::kTicksPerSlot;
      if (!reached(now_, end)) continue;
      if (const uint32_t found = first(standing); found != 0 && conn(found).hasExpired(now_)) return found;
    }
    return 0;
  }

  // Returns the first of this standing that gives way. An entry that has moved is linked where it stands now.
  uint32_t first(Standing standing) {
    size_t looks = kEvictionSearch;
    for (uint32_t ahead = 0;;) {
      const uint32_t slot = wheels_.firstSlot(standing, ahead);
      if (slot == ExpiryWheels::kNone) return 0;
      for (uint32_t next = wheels_.first(standing, slot); next != 0;) {
        const uint32_t found = next;
        next = ExpiryWheels::next(links_, found - 1);
        if (conn(found).hasExpired(now_)) return found;
        const Place place = judge_.place(conn(found));
        if (place.standing != standing || wheels_.slotOf(place.due) != slot) {
          if (relinks_ == 0) return 0;
          relinks_--;
          wheels_.move(links_, found - 1, place);
          see(found, place.standing);
          continue;
        }
        switch (judge_.yields(conn(found), standing)) {
          case Yield::gives: return found;
          case Yield::last:
            if (last_ == 0) last_ = found;
            break;
          case Yield::keeps: break;
        }
        if (--looks == 0) return 0;
      }
      ahead = wheels_.slotsAhead(slot) + 1;
    }
  }

  struct Seen {
    uint32_t found;
    Standing standing;
    uint32_t idle;
  };

  // Remembers the best candidates among those that were linked anew, and so are behind their kind by now.
  void see(uint32_t found, Standing standing) {
    if (judge_.yields(conn(found), standing) != Yield::gives) return;
    const bool isProven = standing >= Standing::slightLong && standing <= Standing::solidBusy;
    Seen& seen = seen_[isProven ? 1 : 0];
    const uint32_t idle = judge_.idle(conn(found));
    if (seen.found != 0 && (standing > seen.standing || (standing == seen.standing && idle <= seen.idle))) return;
    seen = {found, standing, idle};
  }

  // Returns one of the unproven that may still become something.
  uint32_t oldestBeginner() {
    const uint32_t opening = first(Standing::opening), fresh = first(Standing::fresh);
    if (opening == 0 || fresh == 0) return opening + fresh;
    return judge_.idle(conn(opening)) >= judge_.idle(conn(fresh)) ? opening : fresh;
  }

  const ConnRegion& region_;
  uint32_t index_;
  ConnShard& shard_;
  ExpiryWheels& wheels_;
  ConnLink* links_;
  Tick now_;
  Judge& judge_;
  size_t relinks_ = kEvictionRelinks;
  uint32_t last_ = 0;
  Seen seen_[2] = {};  // without and with something shown
};

}  // namespace tunvs
