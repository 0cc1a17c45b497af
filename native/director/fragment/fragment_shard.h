// One shard of the fragment table: its datagrams, in order of age, and the arena in which their fragments wait.
//
// Thread safety: everything needs `lock` held.
// Invariants:
//  1. A datagram is in the hash chain of its key and in one age list, or it is unused and in none. Decided ones are in
//  the list `decided`, all others in `open`.
//  2. Only gathering and deciding datagrams have waiting records; these are `waiting` in the arena and sorted by
//  offset.
#pragma once

#include "core/hashed_places.h"
#include "core/spin_lock.h"
#include "director/fragment/fragment_ranges.h"
#include "director/fragment/fragment_table.h"

namespace tunvs {

struct FragmentTable::Entry {
  enum class State : uint8_t {
    unused,
    gathering,  // waits for its first fragment
    deciding,   // the first fragment is there and is being scheduled
    decided,
    dead,  // for `reason`
  };

  FlowKey key;
  FragmentDecision decision;
  PlaceLinks links;
  Tick bornAt, seenAt;
  uint32_t firstWaiting, lastWaiting;  // records
  uint32_t waitingBytes;
  State state = State::unused;
  FragmentDrop reason;
  FragmentRanges ranges;

  // Tells whether such a first fragment, if it came now, would begin another datagram under the same identification.
  bool isOverFor(const FragmentInfo& first, Tick now) const {
    const bool mayBeOver = state == State::decided || state == State::dead;
    return mayBeOver && first.family() == Family::ipv4 && reached(now, seenAt + kIdentificationReuseTicks);
  }
};

struct alignas(64) FragmentTable::Shard {
  Shard(uint32_t capacity, size_t arenaBytes, uint32_t lifeTicks);

  Entry* find(const FlowKey& key, uint64_t hash, Tick now);
  // Every fragment passes this before anything is made of it. Returns the entry of its datagram, opened if there was
  // none; null when the fragment is dropped, for `dropped`. `alone` is what is wrong with the fragment by itself.
  Entry* meet(const FragmentInfo& info, FragmentDrop alone, const FlowKey& key, uint64_t hash, Tick now,
              FragmentAnswer& dropped);
  Entry* create(const FlowKey& key, uint64_t hash, Tick now);
  // From now on the datagram's fragments are sent to where `decision` says.
  void conclude(Entry& entry, const FragmentDecision& decision);
  // Keeps the packet for its datagram. Returns false when there is no room; then the datagram itself may be gone.
  bool store(Entry& entry, const FragmentInfo& info, std::span<const uint8_t> packet);
  // Drops what waits. If nothing of the datagram has left yet, what is still to come begins anew, as at a host that
  // reassembles. Otherwise it is dropped, as it could be reassembled with what has left.
  FragmentAnswer kill(Entry& entry, FragmentDrop reason);
  void remove(Entry& entry);
  size_t expire(Tick now, size_t budget);
  FragmentAnswer drop(FragmentDrop reason) {
    counts.dropped[static_cast<size_t>(reason)]++;
    return {FragmentVerdict::drop, reason, {}};
  }
  // Takes all waiting records off `entry` and returns how many there were; each is freed.
  uint64_t freeWaiting(Entry& entry);

  SpinLock lock;
  FragmentCounts counts;
  FragmentArena arena;
  uint32_t capacity;
  uint32_t lifeTicks;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  // The other half of a hash chooses the shard.
  static uint64_t placeHash(uint64_t hash) { return hash >> 32; }
  AgeList& listOf(const Entry& entry) { return entry.state == Entry::State::decided ? decided_ : open_; }
  void link(Entry& entry) { listOf(entry).append(entries_, entries_.indexOf(entry)); }
  void unlink(Entry& entry) { listOf(entry).erase(entries_, entries_.indexOf(entry)); }
  // Returns the datagram that makes room for one of this source.
  Entry& victimFor(const FlowKey& key);
  void evict(Entry& entry);

  HashedPlaces<Entry> entries_;
  std::unique_ptr<uint64_t[]> hashes_;
  AgeList open_, decided_;  // in order of arrival; decided ones in order of their decisions
};

}  // namespace tunvs
