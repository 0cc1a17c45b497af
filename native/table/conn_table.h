// A ConnTable is the connection table of one address family, shared by all workers. It is a region
// (table/conn_region.h) of shards. Each shard is a table of its own, with an index from hashes to connections
// (table/bucket_index.h), timer wheels that hold them at or before their deadlines (table/expiry_wheels.h), and the
// removed units that wait (table/retired_units.h). This file puts them together. A connection's unit is its slot of the
// index. Nothing ever moves, so a lookup needs no lock and no retry.
//
// Expiry: each connection carries its deadline. A packet only writes the new deadline into the connection; when the
// wheel comes to the connection later, it links it again.
//
// The templates below take a judge, which answers about entries of the table at one time:
//   Place place(const Conn&)              where it stands; due later than now unless its deadline has come
//   Yield yields(const Conn&, Standing)   whether it gives way, standing there
//   uint32_t idle(const Conn&)            ticks since its last packet
//   void evict(Conn&, Standing)           takes what gives way off its server's counts
//   uint32_t onDue(Conn&)                 ticks to live on at its deadline; or 0, once taken off the counts
//
// Thread safety: any registered epoch reader calls hash, prefetchHome, candidate and find, without a lock. A function
// named *Locked needs the shard's lock, held through Guard. Whoever found a connection may write its atomics.
// Invariants:
//  1. A unit is in the index, linked on a wheel and counted as live, or in none of these; it gets into the index after
//     the connection in it is complete.
//  2. A removed connection is reused only when every reader has passed a quiescent point (Epochs).
//  3. Live connections of a shard never exceed its capacity; the units beyond it absorb those waiting for invariant 2.
//  4. A linked connection's wheel slot is never later than its deadline's.
#pragma once

#include <atomic>
#include <span>
#include <type_traits>

#include "core/epochs.h"
#include "core/flow_key.h"
#include "core/prefetch.h"
#include "core/result.h"
#include "core/spin_lock.h"
#include "core/split_mix.h"
#include "core/ticks.h"
#include "table/conn.h"
#include "table/conn_region.h"
#include "table/eviction_search.h"
#include "table/flow_hash.h"

namespace tunvs {

class ConnTable {
 public:
  static constexpr uint32_t kMinCapacity = ConnRegion::kMinCapacity;
  static constexpr uint32_t kMaxCapacity = ConnRegion::kMaxCapacity;
  // A call that goes through all connections looks at no more than this many while it holds a shard's lock.
  static constexpr uint32_t kUnitsPerLock = 256;

  // Returns the bytes that a region for `capacity` connections needs.
  static size_t regionBytes(Family family, uint32_t capacity) { return ConnRegion::bytesFor(family, capacity); }

  // Makes an empty table in `region`. REQUIRES: zeroed, 64-byte aligned, regionBytes() long, outlives the table.
  static ConnTable create(std::span<std::byte> region, Family family, uint32_t capacity, const HashSecret& secret,
                          Tick now, Epochs& epochs);
  // Takes over a region that create() made, in this or another process, which may have died in the middle of a change.
  // So only the entries themselves are believed, and of these only what a lookup needs. REQUIRES: nobody else uses it.
  static Result<ConnTable> attach(std::span<std::byte> region, Tick now, Epochs& epochs);

  Family family() const { return region_.family(); }
  const ConnRegion& region() const { return region_; }
  uint32_t capacity() const { return region_.capacity(); }
  uint32_t shardCount() const { return region_.shardCount(); }
  // Returns the bytes that the region takes.
  uint64_t regionSize() const { return region_.bytes(); }
  std::span<std::byte> memory() const { return region_.memory(); }
  uint64_t liveCount() const;

  // ---- lookup, lock-free ----

  uint64_t hash(const FlowKey& key) const { return region_.hash(key); }
  using Home = ConnRegion::Home;
  // Returns where a flow's entry most likely lies, and fetches what candidate() reads.
  Home prefetchHome(uint64_t hash) const {
    const Home home = region_.home(hash);
    __builtin_prefetch(home.bucket);
    return home;
  }
  // Returns the first entry whose tag fits, for prefetching; it may be another flow's. If it is null, the flow is
  // certainly not in its home bucket. `family` is the table's.
  static Conn* candidate(const Home& home, uint64_t hash, Family family) {
    return ConnRegion::candidate(home, hash, family);
  }
  // Fetches what a new connection with this hash will probably take.
  void prefetchEmpty(uint64_t hash) const {
    const uint32_t shard = region_.shardOf(hash), unit = region_.index(shard).emptySlot(hash);
    if (unit == BucketIndex::kNone) return;
    prefetchForWrite(region_.connAt(shard, unit));
    prefetchForWrite(&region_.links(shard)[unit]);
  }
  // Returns the live connection with this key, or null. It may have reached its deadline: see hasExpired().
  Conn* find(const FlowKey& key, uint64_t hash) const {
    const uint32_t shard = region_.shardOf(hash);
    return region_.index(shard).find(hash, [&](uint32_t unit) {
      Conn* conn = region_.connAt(shard, unit);
      return ConnRegion::matches(*conn, key) ? conn : nullptr;
    });
  }
  // Tells whether find() would return what candidate() returned, which is in the cache by now. REQUIRES: the reader has
  // passed no quiescent point in between.
  static bool isOf(const Conn* candidate, const FlowKey& key) {
    return candidate != nullptr && ConnRegion::matches(*candidate, key);
  }
  // Returns a live entry with this key that find() passes over, or null.
  Conn* findHiddenLocked(const FlowKey& key, uint64_t hash) const {
    const uint32_t shard = region_.shardOf(hash);
    return region_.index(shard).find(hash, [&](uint32_t unit) {
      Conn* conn = region_.connAt(shard, unit);
      const bool isHidden = conn->isLive() && (conn->flags.load(std::memory_order_relaxed) & kConnInvalid) != 0;
      return isHidden && keyOf(*conn) == key ? conn : nullptr;
    });
  }
  static bool hasExpired(const Conn& conn, Tick now) { return conn.hasExpired(now); }
  // Returns true when room in this key's shard will soon have to be made.
  bool isNearlyFull(uint64_t hash) const { return isNearlyFullShard(region_.shardOf(hash)); }
  // Tells whether any shard is so.
  bool isNearlyFull() const {
    for (uint32_t i = 0; i < shardCount(); i++) {
      if (isNearlyFullShard(i)) return true;
    }
    return false;
  }
  // Returns a name for a connection within this table; never 0.
  uint32_t referenceOf(const Conn* conn) const { return region_.referenceOf(conn); }
  // REQUIRES: referenceOf() returned `reference`, and the connection is still live.
  Conn* named(uint32_t reference) const { return region_.named(reference); }
  // Does the same for any number; null when it names no live connection.
  Conn* findNamed(uint32_t reference) const {
    Conn* conn = region_.findNamed(reference);
    return conn != nullptr && conn->isLive() ? conn : nullptr;
  }
  FlowKey keyOf(const Conn& conn) const { return region_.keyOf(conn); }

  // ---- changes, under the shard's lock ----

  class Guard {
   public:
    Guard(const ConnTable& table, uint64_t hash) : guard_(table.region_.shard(table.region_.shardOf(hash)).lock) {}

   private:
    SpinGuard guard_;
  };

  // Adds a connection with this key. If the shard is full, another connection gives way; if none does, returns null.
  // REQUIRES: find() returns null.
  template <typename Judge>
  Conn* insertLocked(const FlowKey& key, uint64_t hash, const NewConn& made, Tick now, Judge&& judge);
  void removeLocked(Conn* conn, uint64_t hash);
  // Says where a connection stands now. REQUIRES: `place` is due no later than the connection's deadline
  void moveLocked(const Conn* conn, uint64_t hash, Place place);
  // Returns what the shard's wheels take for now: behind by at most a slot, or by as much as expire() is late.
  Tick timeLocked(uint64_t hash) const { return region_.shard(region_.shardOf(hash)).wheels.handled(); }

  // ---- all of a shard, by turns (table/conn_table_turns.h) ----

  // Removes what has reached its deadline in one shard. It looks at `budget` connections at most, and subtracts them
  // from it; with `exact` it includes those within the wheels' current slot. Returns true when the shard is up to date.
  template <typename Judge>
  bool expire(uint32_t shard, Tick now, bool exact, size_t& budget, Judge&& judge);

  // Calls `visit(const Conn&)` for live connections from `cursor` on until `limit` were visited; returns the next
  // cursor, or UINT64_MAX at the end. REQUIRES: the caller is between Epochs::enter() and leave().
  template <typename Visit>
  uint64_t forEach(uint64_t cursor, size_t limit, Visit&& visit) const;

  // Calls `onEach(Conn&)` -> true to remove, for live connections of a shard from `unit` on, under its lock. It looks
  // at kUnitsPerLock of them at most, so that nobody waits long for the lock. Returns the unit to go on with; 0 at
  // the shard's end.
  template <typename OnEach>
  uint32_t removeIf(uint32_t shard, uint32_t unit, OnEach&& onEach);

  // Calls `onEach(Conn&)` -> true to remove, for live connections of a shard drawn at random, with repetition: for
  // `numerator` in `denominator` of its entries. REQUIRES: numerator <= denominator, denominator > 0
  template <typename OnEach>
  void sample(uint32_t shard, uint64_t numerator, uint64_t denominator, SplitMix64& random, OnEach&& onEach);

 private:
  ConnTable(ConnRegion region, Epochs& epochs) : region_(region), epochs_(&epochs) {}

  bool isNearlyFullShard(uint32_t shard) const {
    return region_.shard(shard).live.load(std::memory_order_relaxed) >= region_.shardCapacity() / 8 * 7;
  }

  // Removed units that a call gives back at most.
  static constexpr uint32_t kGivenBack = 2 * RetiredUnits::kBatch, kGivenBackByTurn = 512;

  // Returns a unit for a new connection; BucketIndex::kNone when there is none.
  uint32_t emptyUnit(uint32_t shard, uint64_t hash) const;
  void giveBack(uint32_t shard, uint32_t limit) const;
  void removeUnit(uint32_t shard, uint32_t unit, uint64_t hash);
  void rebuild(uint32_t shard, Tick now);

  ConnRegion region_;
  Epochs* epochs_;
};

template <typename Judge>
Conn* ConnTable::insertLocked(const FlowKey& key, uint64_t hash, const NewConn& made, Tick now, Judge&& judge) {
  const uint32_t index = region_.shardOf(hash);
  ConnShard& shard = region_.shard(index);
  ConnLink* links = region_.links(index);
  // This is asked before anything joins the removed units that wait, because what waits together waits equally long.
  // Also, no connection is to give way for a newcomer that can't be taken in.
  const uint32_t unit = emptyUnit(index, hash);
  if (unit == BucketIndex::kNone) return nullptr;
  if (shard.live.load(std::memory_order_relaxed) >= region_.shardCapacity()) {
    const uint32_t victim = EvictionSearch<std::remove_reference_t<Judge>>(region_, index, now, judge).find();
    if (victim == 0) return nullptr;
    Conn* gone = region_.connAt(index, victim - 1);
    judge.evict(*gone, ExpiryWheels::standingOf(links, victim - 1));
    removeUnit(index, victim - 1, this->hash(keyOf(*gone)));
  }
  Conn* conn = region_.connAt(index, unit);
  region_.setKey(*conn, key);
  conn->state.store(made.state, std::memory_order_relaxed);
  conn->server.store(made.server, std::memory_order_relaxed);
  conn->expires.store(made.expires, std::memory_order_relaxed);
  conn->packets.store(made.packets, std::memory_order_relaxed);
  conn->control.store(made.control, std::memory_order_relaxed);
  conn->flags.store(made.flags | kConnLive, std::memory_order_release);
  shard.wheels.link(links, unit, judge.place(*conn));
  region_.index(index).insert(hash, unit);
  shard.live.store(shard.live.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return conn;
}

}  // namespace tunvs

#include "table/conn_table_turns.h"
