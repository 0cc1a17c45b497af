// The connection table of one address family, shared by all workers.
//
// Layout. One contiguous region of memory without a pointer in it: a header, then shards, each a table of its own:
//
//   header | shard 0: state, wheel | buckets | connections | links || shard 1: ...
//
// A bucket is one cache line: 12 one-byte tags, 12 references, a count of entries that had to go on to the next bucket.
// A connection is 32 bytes (64 for IPv6, with its addresses behind). Links are what only insertion and expiry touch:
// the timer wheel's lists and the free list. Nothing ever moves, so a lookup needs no lock and no retry.
//
// Expiry. Each connection carries its deadline; a wheel (ExpiryWheels) holds it at or before that deadline. A packet
// only writes the new deadline into the connection; when the wheel comes by and finds it later, it links it again.
//
// Eviction. There is a wheel for each standing (table/standing.h), and who uses the table says where an entry stands. A
// full shard gives up the first entry of the first wheel in the order of standings, if it gives way; entries that have
// moved since they were linked are linked anew on the way, with a bound of their own. Who has shown nothing takes the
// place of one who has only while those without proof are less than a part of the shard.
//
// What the templates below call a judge has, of entries of the table at one time:
//   Place place(const Conn&)              where it stands; due later than now unless its deadline has come
//   Yield yields(const Conn&, Standing)   whether it gives way, standing there
//   uint32_t idle(const Conn&)            ticks since its last packet
//   void evict(Conn&, Standing)           takes what gives way off its server's counts
//   uint32_t onDue(Conn&)                 likewise at its deadline: 0, or the ticks to live on
//
// Thread safety: hash, prefetch, candidate and find by any registered epoch reader, without a lock. What is named
// *Locked needs the shard's lock, held through Guard. A connection's atomics may be written by whoever found it.
// Invariants:
//  1. A reference in a bucket is published after the connection it names is complete; key fields never change while it
//  is live.
//  2. A removed connection is reused only when every reader has passed a quiescent point (Epochs).
//  3. Live connections of a shard never exceed its capacity; the units beyond it absorb those waiting for invariant 2.
//  4. A linked connection's wheel slot is never later than its deadline's.
#pragma once

#include <atomic>
#include <span>
#include <type_traits>

#include "core/epochs.h"
#include "core/flow_key.h"
#include "core/result.h"
#include "core/spin_lock.h"
#include "core/split_mix.h"
#include "core/ticks.h"
#include "table/conn.h"
#include "table/expiry_wheels.h"
#include "table/flow_hash.h"

namespace tunvs {

// Tags of a bucket, eight to a word.
namespace conn_table_detail {

inline constexpr uint64_t kLowBytes = 0x0101010101010101;
inline constexpr uint64_t kHighBits = 0x8080808080808080;
inline constexpr uint64_t kHighSlots = 0x00000000ffffffff;  // of tagsHigh: slots 8..11
inline constexpr unsigned kDisplacedShift = 32;
inline constexpr uint64_t kDisplacedMask = 0xffff;

// A mark in the high bit of each byte of `tags` that equals `tag`, and in no other: the reference of a slot that only
// looked alike may be stale, and name a connection that is just being reused.
inline uint64_t matchBytes(uint64_t tags, uint8_t tag) {
  const uint64_t difference = tags ^ (kLowBytes * tag);
  return ~(((difference & ~kHighBits) + ~kHighBits) | difference) & kHighBits;
}

inline uint32_t displaced(uint64_t tagsHigh) { return tagsHigh >> kDisplacedShift & kDisplacedMask; }

}  // namespace conn_table_detail

// What a connection begins with, beside its key.
struct NewConn {
  uint32_t server;
  Tick expires;
  uint8_t flags = 0;  // ConnFlag, without kConnLive
  uint8_t state = 0;
  uint32_t packets = 0;
  uint32_t control = 0;
};

class ConnTable {
 public:
  static constexpr uint32_t kMinCapacity = 1024;
  static constexpr uint32_t kMaxCapacity = 1u << 28;
  static constexpr uint32_t kLayoutVersion = 3;
  static constexpr size_t kSlotsPerBucket = 12;
  // What a search for room looks at and lets be, of each standing, and what it links anew, in all.
  static constexpr size_t kEvictionSearch = 16, kEvictionRelinks = 128;
  // Those without proof take places from those with proof while they are less than one in so many of a shard's
  // capacity.
  static constexpr uint32_t kUnprovenShare = 4;

  // Units that are looked at while a shard's lock is held, by what goes through all of them.
  static constexpr uint32_t kUnitsPerLock = 256;

  // Bytes that a region for `capacity` connections needs.
  static size_t regionBytes(Family family, uint32_t capacity);

  // Lays an empty table into `region`. REQUIRES: zeroed, 64-byte aligned, regionBytes() long, outlives the table.
  static ConnTable create(std::span<std::byte> region, Family family, uint32_t capacity, const HashSecret& secret,
                          Tick now, Epochs& epochs);
  // Takes over a region that create() made, in this or another process, which may have died in the middle of a change:
  // only the entries themselves are believed, and of these what a lookup needs. REQUIRES: nobody else uses it.
  static Result<ConnTable> attach(std::span<std::byte> region, Epochs& epochs);

  Family family() const { return header_->family; }
  uint32_t capacity() const { return header_->capacity; }
  uint32_t shardCount() const { return header_->shards; }
  // Bytes that it takes.
  uint64_t regionSize() const { return header_->firstShard + header_->shards * header_->shardBytes; }
  uint64_t liveCount() const;

  // ---- lookup, lock-free ----

  uint64_t hash(const FlowKey& key) const { return flowHash(key, header_->secret); }
  void prefetchBucket(uint64_t hash) const { __builtin_prefetch(&bucketOf(hash)); }
  // The first entry whose tag fits, for prefetching; it may be another flow's. Null: certainly not in the home bucket.
  Conn* candidate(uint64_t hash) const;
  // The live connection with this key, or null. It may have reached its deadline: see hasExpired().
  Conn* find(const FlowKey& key, uint64_t hash) const;
  // The same, with what candidate() gave, by now in the cache. REQUIRES: the reader has passed no quiescent point in
  // between.
  Conn* find(const FlowKey& key, uint64_t hash, Conn* candidate) const {
    if (candidate != nullptr && matches(*candidate, key)) [[likely]]
      return candidate;
    return find(key, hash);
  }
  static bool hasExpired(const Conn& conn, Tick now) {
    return reached(now, conn.expires.load(std::memory_order_relaxed));
  }
  // Whether room in this key's shard will soon have to be made.
  bool isNearlyFull(uint64_t hash) const;
  // Names a connection within this table; never 0.
  uint32_t referenceOf(const Conn* conn) const {
    return static_cast<uint32_t>((reinterpret_cast<const std::byte*>(conn) - base_) / sizeof(Conn));
  }
  // REQUIRES: referenceOf() gave it, and the connection is still live.
  Conn* named(uint32_t reference) const { return reinterpret_cast<Conn*>(base_ + size_t{reference} * sizeof(Conn)); }
  FlowKey keyOf(const Conn& conn) const;

  // ---- changes, under the shard's lock ----

  struct Shard;
  class Guard {
   public:
    Guard(const ConnTable& table, uint64_t hash) : guard_(table.lockOf(table.shardOf(hash))) {}

   private:
    SpinGuard guard_;
  };

  // Adds a connection with this key. REQUIRES: find() gives null. When the shard is full, another one gives way. Null
  // when none does.
  template <typename Judge>
  Conn* insertLocked(const FlowKey& key, uint64_t hash, const NewConn& made, Tick now, Judge&& judge);
  void removeLocked(Conn* conn, uint64_t hash);
  // Says where a connection stands by now. REQUIRES: `place` is due no later than the connection's deadline
  void moveLocked(const Conn* conn, uint64_t hash, Place place);
  // What the shard's wheels take for now: at most a slot, or what expire() is late by, behind.
  Tick timeLocked(uint64_t hash) const;

  // Removes what has reached its deadline in one shard. At most `budget` connections are looked at, which is taken off
  // it; with `exact`, those within the wheels' current slot too. True when the shard is up to date.
  template <typename Judge>
  bool expire(uint32_t shard, Tick now, bool exact, size_t& budget, Judge&& judge);

  // Calls `visit(const Conn&)` for live connections from `cursor` on until `limit` were visited; returns the next
  // cursor, or UINT64_MAX at the end. REQUIRES: the caller is between Epochs::enter() and leave().
  template <typename Visit>
  uint64_t forEach(uint64_t cursor, size_t limit, Visit&& visit) const;

  // Calls `onEach(Conn&)` -> true to remove, for live connections of a shard from `unit` on, under its lock; so that
  // nobody waits long for that, of kUnitsPerLock units at most. The unit to go on with; 0 at the shard's end.
  template <typename OnEach>
  uint32_t removeIf(uint32_t shard, uint32_t unit, OnEach&& onEach);

  // Calls `onEach(Conn&)` -> true to remove, for live connections of a shard drawn at random, with repetition: of its
  // entries `numerator` in `denominator`. REQUIRES: numerator <= denominator, denominator > 0
  template <typename OnEach>
  void sample(uint32_t shard, uint64_t numerator, uint64_t denominator, SplitMix64& random, OnEach&& onEach);

 private:
  static constexpr uint64_t kMagic = 0x31746376736e7574;  // "tunsvct1", little endian

  struct alignas(64) Bucket {
    std::atomic<uint64_t> tagsLow;   // slots 0..7
    std::atomic<uint64_t> tagsHigh;  // slots 8..11, then a 16-bit count of entries that went on to the next bucket
    std::atomic<uint32_t> references[kSlotsPerBucket];
  };
  static_assert(sizeof(Bucket) == 64);

  struct alignas(64) Header {
    uint64_t magic;
    uint32_t layoutVersion;
    Family family;
    uint32_t capacity;  // all shards
    uint32_t shards;
    uint32_t shardCapacity;  // live connections that a shard holds at most
    uint32_t shardUnits;     // connections that a shard has room for
    uint32_t shardBuckets;
    uint64_t shardBytes;
    uint64_t bucketsOffset, connsOffset, linksOffset;  // within a shard
    uint64_t firstShard;                               // from the region's start
    HashSecret secret;
  };

  ConnTable(std::byte* base, Epochs& epochs)
      : base_(base), header_(reinterpret_cast<Header*>(base)), epochs_(&epochs) {}

  static Header layout(Family family, uint32_t capacity);
  size_t stride() const { return header_->family == Family::ipv4 ? sizeof(Conn) : sizeof(Conn6); }

  uint32_t shardOf(uint64_t hash) const { return static_cast<uint32_t>((hash >> 32) * header_->shards >> 32); }
  std::byte* shardBase(uint32_t shard) const { return base_ + header_->firstShard + shard * header_->shardBytes; }
  Shard& shardAt(uint32_t shard) const { return *reinterpret_cast<Shard*>(shardBase(shard)); }
  SpinLock& lockOf(uint32_t shard) const;
  Bucket* buckets(uint32_t shard) const { return reinterpret_cast<Bucket*>(shardBase(shard) + header_->bucketsOffset); }
  uint32_t homeBucket(uint64_t hash) const {
    return static_cast<uint32_t>((hash & 0xffffffff) * header_->shardBuckets >> 32);
  }
  const Bucket& bucketOf(uint64_t hash) const { return buckets(shardOf(hash))[homeBucket(hash)]; }
  Conn* connAt(uint32_t shard, uint32_t unit) const {
    return reinterpret_cast<Conn*>(shardBase(shard) + header_->connsOffset + unit * stride());
  }
  uint32_t unitOf(uint32_t shard, const Conn* conn) const {
    return static_cast<uint32_t>((reinterpret_cast<const std::byte*>(conn) - shardBase(shard) - header_->connsOffset) /
                                 stride());
  }
  ConnLink* links(uint32_t shard) const { return reinterpret_cast<ConnLink*>(shardBase(shard) + header_->linksOffset); }

  // Never 0, which is an empty slot. Bits 24..31 choose neither shard nor (but for huge tables) bucket.
  static uint8_t tagOf(uint64_t hash) {
    const auto tag = static_cast<uint8_t>(hash ^ (hash >> 16));
    return tag == 0 ? 1 : tag;
  }
  bool matches(const Conn& conn, const FlowKey& key) const;

  void publish(uint32_t shard, uint64_t hash, uint32_t unit);
  void unpublish(uint32_t shard, uint64_t hash, uint32_t unit);
  uint32_t allocateUnit(uint32_t shard);  // unit + 1, or 0
  void reclaim(uint32_t shard);
  void removeUnit(uint32_t shard, uint32_t unit, uint64_t hash);
  void rebuild(uint32_t shard);

  // A search for room in one shard.
  template <typename Judge>
  class Search;

  std::byte* base_;
  Header* header_;
  Epochs* epochs_;
};

// What a shard keeps for itself. REQUIRES lock for everything but `live`.
struct alignas(64) ConnTable::Shard {
  // Removed units, not yet safe to reuse; unit + 1.
  struct Batch {
    uint32_t first, last;
    uint64_t epoch;  // of the last one; 64 bits, so that they are safe however long they have waited
    uint32_t count;
  };

  SpinLock lock;
  std::atomic<uint32_t> live;
  uint32_t untouched;     // units from here on were never used
  uint32_t freeHead;      // unit + 1
  Batch waiting, behind;  // `behind` gathers until `waiting` is free
  Tick restsSince;        // those with proof were looked through in vain; not again for a moment
  bool rests;
  ExpiryWheels wheels;
};

inline bool ConnTable::matches(const Conn& conn, const FlowKey& key) const {
  if (conn.addresses != key.words[0] || FlowKey::makeTail(conn.ports, conn.protocol, conn.kind) != key.tail ||
      !conn.isFindable()) {
    return false;
  }
  if (header_->family == Family::ipv4) return true;
  return std::memcmp(static_cast<const Conn6&>(conn).words, key.words, sizeof key.words) == 0;
}

inline Conn* ConnTable::candidate(uint64_t hash) const {
  const uint32_t shard = shardOf(hash);
  const Bucket& bucket = buckets(shard)[homeBucket(hash)];
  const uint8_t tag = tagOf(hash);
  uint64_t marks = conn_table_detail::matchBytes(bucket.tagsLow.load(std::memory_order_acquire), tag);
  size_t slot = 0;
  if (marks == 0) {
    marks = conn_table_detail::matchBytes(
                bucket.tagsHigh.load(std::memory_order_acquire) & conn_table_detail::kHighSlots, tag) &
            conn_table_detail::kHighSlots;
    slot = 8;
    if (marks == 0) return nullptr;
  }
  slot += static_cast<size_t>(__builtin_ctzll(marks)) / 8;
  return connAt(shard, bucket.references[slot].load(std::memory_order_acquire));
}

inline Conn* ConnTable::find(const FlowKey& key, uint64_t hash) const {
  const uint32_t shard = shardOf(hash);
  const Bucket* all = buckets(shard);
  const uint8_t tag = tagOf(hash);
  uint32_t index = homeBucket(hash);
  for (uint32_t probes = 0; probes < header_->shardBuckets; probes++) {
    const Bucket& bucket = all[index];
    const uint64_t high = bucket.tagsHigh.load(std::memory_order_acquire);
    uint64_t marks = conn_table_detail::matchBytes(bucket.tagsLow.load(std::memory_order_acquire), tag);
    for (; marks != 0; marks &= marks - 1) {
      const size_t slot = static_cast<size_t>(__builtin_ctzll(marks)) / 8;
      Conn* conn = connAt(shard, bucket.references[slot].load(std::memory_order_acquire));
      if (matches(*conn, key)) return conn;
    }
    marks = conn_table_detail::matchBytes(high & conn_table_detail::kHighSlots, tag) & conn_table_detail::kHighSlots;
    for (; marks != 0; marks &= marks - 1) {
      const size_t slot = 8 + static_cast<size_t>(__builtin_ctzll(marks)) / 8;
      Conn* conn = connAt(shard, bucket.references[slot].load(std::memory_order_acquire));
      if (matches(*conn, key)) return conn;
    }
    if (conn_table_detail::displaced(high) == 0) return nullptr;
    index = index + 1 == header_->shardBuckets ? 0 : index + 1;
  }
  return nullptr;
}

inline SpinLock& ConnTable::lockOf(uint32_t shard) const { return shardAt(shard).lock; }
inline bool ConnTable::isNearlyFull(uint64_t hash) const {
  return shardAt(shardOf(hash)).live.load(std::memory_order_relaxed) >= header_->shardCapacity / 8 * 7;
}
inline Tick ConnTable::timeLocked(uint64_t hash) const { return shardAt(shardOf(hash)).wheels.handled(); }

template <typename Judge>
Conn* ConnTable::insertLocked(const FlowKey& key, uint64_t hash, const NewConn& made, Tick now, Judge&& judge) {
  const uint32_t shardIndex = shardOf(hash);
  Shard& shard = shardAt(shardIndex);
  // Before anything is added to those that wait: what waits with it waits as long.
  if (shard.freeHead == 0) reclaim(shardIndex);
  // Nobody is to give way for one who can't be taken in.
  if (shard.freeHead == 0 && shard.untouched >= header_->shardUnits) return nullptr;
  if (shard.live.load(std::memory_order_relaxed) >= header_->shardCapacity) {
    const uint32_t victim = Search<std::remove_reference_t<Judge>>(*this, shardIndex, now, judge).find();
    if (victim == 0) return nullptr;
    Conn* gone = connAt(shardIndex, victim - 1);
    judge.evict(*gone, ExpiryWheels::standingOf(links(shardIndex), victim - 1));
    removeUnit(shardIndex, victim - 1, this->hash(keyOf(*gone)));
  }
  const uint32_t found = allocateUnit(shardIndex);
  if (found == 0) return nullptr;
  const uint32_t unit = found - 1;
  Conn* conn = connAt(shardIndex, unit);
  conn->addresses = key.words[0];
  conn->ports = key.ports();
  conn->protocol = key.protocol();
  conn->kind = key.kind();
  if (header_->family == Family::ipv6) std::memcpy(static_cast<Conn6*>(conn)->words, key.words, sizeof key.words);
  conn->state.store(made.state, std::memory_order_relaxed);
  conn->server.store(made.server, std::memory_order_relaxed);
  conn->expires.store(made.expires, std::memory_order_relaxed);
  conn->packets.store(made.packets, std::memory_order_relaxed);
  conn->control.store(made.control, std::memory_order_relaxed);
  conn->flags.store(made.flags | kConnLive, std::memory_order_release);
  shard.wheels.link(links(shardIndex), unit, judge.place(*conn));
  publish(shardIndex, hash, unit);
  shard.live.store(shard.live.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return conn;
}

template <typename Judge>
bool ConnTable::expire(uint32_t shardIndex, Tick now, bool exact, size_t& budget, Judge&& judge) {
  constexpr auto kTicksPerSlot = static_cast<int32_t>(ExpiryWheels::kTicksPerSlot);
  Shard& shard = shardAt(shardIndex);
  SpinGuard guard(shard.lock);
  reclaim(shardIndex);
  ExpiryWheels& wheels = shard.wheels;
  ConnLink* all = links(shardIndex);
  // After a long pause one round meets every connection, whatever slot it is in.
  if (static_cast<int32_t>(now - wheels.handled()) > static_cast<int32_t>(ExpiryWheels::kRound))
    wheels.begin(now - ExpiryWheels::kRound);
  for (;;) {
    const auto behind = static_cast<int32_t>(now - wheels.handled());
    if (behind < 0) return true;
    const bool isCurrent = behind < kTicksPerSlot;
    if (isCurrent && !exact) return true;
    const uint32_t slot = wheels.currentSlot();
    for (size_t i = 0; i < kStandings; i++) {
      const auto standing = static_cast<Standing>(i);
      for (uint32_t next = wheels.first(standing, slot); next != 0;) {
        if (budget == 0) return false;
        budget--;
        const uint32_t unit = next - 1;
        next = ExpiryWheels::next(all, unit);
        Conn* conn = connAt(shardIndex, unit);
        if (!reached(now, conn->expires.load(std::memory_order_relaxed))) {
          const Place place = judge.place(*conn);
          const bool staysHere = isCurrent && place.standing == standing && wheels.slotOf(place.due) == slot;
          if (!staysHere) wheels.move(all, unit, place);
          continue;
        }
        const uint32_t longer = judge.onDue(*conn);
        if (longer == 0) {
          removeUnit(shardIndex, unit, hash(keyOf(*conn)));
        } else {
          conn->expires.store(now + longer, std::memory_order_relaxed);
          wheels.move(all, unit, judge.place(*conn));
        }
      }
    }
    if (isCurrent) return true;
    wheels.advance();
  }
}

template <typename Visit>
uint64_t ConnTable::forEach(uint64_t cursor, size_t limit, Visit&& visit) const {
  const uint64_t units = header_->shardUnits;
  for (uint64_t shard = cursor / units; shard < header_->shards; shard++) {
    uint64_t end;
    {
      SpinGuard guard(shardAt(static_cast<uint32_t>(shard)).lock);
      end = shardAt(static_cast<uint32_t>(shard)).untouched;
    }
    for (uint64_t unit = cursor % units; unit < end; unit++, cursor++) {
      if (limit == 0) return cursor;
      const Conn* conn = connAt(static_cast<uint32_t>(shard), static_cast<uint32_t>(unit));
      if (!conn->isLive()) continue;
      visit(*conn);
      limit--;
    }
    cursor = (shard + 1) * units;
  }
  return UINT64_MAX;
}

template <typename OnEach>
uint32_t ConnTable::removeIf(uint32_t shard, uint32_t unit, OnEach&& onEach) {
  SpinGuard guard(lockOf(shard));
  const uint32_t used = shardAt(shard).untouched;
  const uint32_t end = used > unit && used - unit > kUnitsPerLock ? unit + kUnitsPerLock : used;
  for (; unit < end; unit++) {
    Conn* conn = connAt(shard, unit);
    if (conn->isLive() && onEach(*conn)) removeUnit(shard, unit, hash(keyOf(*conn)));
  }
  return unit < used ? unit : 0;
}

template <typename OnEach>
void ConnTable::sample(uint32_t shardIndex, uint64_t numerator, uint64_t denominator, SplitMix64& random,
                       OnEach&& onEach) {
  uint32_t used;
  {
    SpinGuard guard(lockOf(shardIndex));
    used = shardAt(shardIndex).untouched;
  }
  // What is left over of a visit is made up for by chance.
  uint64_t visits = (used * numerator + random.below(denominator)) / denominator;
  while (visits > 0) {
    SpinGuard guard(lockOf(shardIndex));
    for (uint32_t i = 0; i < kUnitsPerLock && visits > 0; i++, visits--) {
      const auto unit = static_cast<uint32_t>(random.below(used));
      Conn* conn = connAt(shardIndex, unit);
      if (conn->isLive() && onEach(*conn)) removeUnit(shardIndex, unit, hash(keyOf(*conn)));
    }
  }
}

}  // namespace tunvs

#include "table/eviction_search.h"
