// A ConnRegion is the memory of a connection table: one contiguous region without a pointer in it.
//
//   header | shard 0: state, wheels | buckets | connections | links || shard 1: ...
//
// A connection takes 32 bytes (64 for IPv6, with its addresses behind), and lies at the number that the index gives it:
// slot s of bucket b is unit b * 15 + s of the shard. So whoever has the hash finds the connection by arithmetic, and
// every part but the links is made of whole cache lines. Only insertion and expiry touch the links: the lists of the
// timer wheels and of removed units. This file says where things are, and what keys say; not what is done.
//
// Thread safety: any thread calls everything but create() and attach(); what is found has its own rules.
// Invariants:
//  1. layout() makes the header from the family and the capacity; it never changes.
//  2. Key fields of a connection never change while it is live.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <span>

#include "core/flow_key.h"
#include "core/result.h"
#include "core/spin_lock.h"
#include "core/ticks.h"
#include "table/bucket_index.h"
#include "table/conn.h"
#include "table/expiry_wheels.h"
#include "table/flow_hash.h"
#include "table/retired_units.h"

namespace tunvs {

// A shard keeps this for itself. REQUIRES lock for everything but `live`.
struct alignas(64) ConnShard {
  SpinLock lock;
  std::atomic<uint32_t> live;
  RetiredUnits retired;
  RetiredUnits handedOver;  // those that a program in the kernel may hold, too
  Tick restsSince;          // a search of those with proof was in vain then, and is not repeated for a moment
  bool rests;
  ExpiryWheels wheels;
};

class ConnRegion {
 public:
  static constexpr uint32_t kMinCapacity = 1024;
  static constexpr uint32_t kMaxCapacity = 1u << 28;
  static constexpr uint32_t kLayoutVersion = 5;

  static size_t bytesFor(Family family, uint32_t capacity);
  // Writes a header into `memory`. REQUIRES: zeroed, 64-byte aligned, bytesFor() long
  static ConnRegion create(std::span<std::byte> memory, Family family, uint32_t capacity, const HashSecret& secret);
  // Refuses memory that create() did not make.
  static Result<ConnRegion> attach(std::span<std::byte> memory);

  Family family() const { return header_->family; }
  uint32_t capacity() const { return header_->capacity; }  // of all shards
  uint32_t shardCount() const { return header_->shards; }
  uint32_t shardCapacity() const { return header_->shardCapacity; }  // live connections that a shard holds at most
  // The connections that a shard holds at most, together with removed ones that wait; less than it has units.
  uint32_t shardRoom() const { return header_->shardRoom; }
  uint32_t shardUnits() const { return header_->shardBuckets * BucketIndex::kSlotsPerBucket; }
  uint64_t bytes() const { return header_->firstShard + header_->shards * header_->shardBytes; }

  // Where things lie, for a reader that is not made of this code.
  struct Shape {
    uint32_t shards, shardBuckets;
    uint64_t shardBytes, firstShard, buckets, conns;  // the last two within a shard
    HashSecret secret;
  };
  Shape shape() const {
    const Header& h = *header_;
    return {h.shards, h.shardBuckets, h.shardBytes, h.firstShard, h.bucketsOffset, h.connsOffset, h.secret};
  }

  std::span<std::byte> memory() const { return {base_, bytes()}; }

  uint64_t hash(const FlowKey& key) const { return flowHash(key, header_->secret); }
  uint32_t shardOf(uint64_t hash) const { return static_cast<uint32_t>((hash >> 32) * header_->shards >> 32); }

  ConnShard& shard(uint32_t shard) const { return *reinterpret_cast<ConnShard*>(shardBase(shard)); }
  BucketIndex index(uint32_t shard) const { return indexOf(shardBase(shard)); }
  ConnLink* links(uint32_t shard) const { return reinterpret_cast<ConnLink*>(shardBase(shard) + header_->linksOffset); }
  Conn* connAt(uint32_t shard, uint32_t unit) const {
    return reinterpret_cast<Conn*>(shardBase(shard) + header_->connsOffset + unit * stride());
  }
  uint32_t unitOf(uint32_t shard, const Conn* conn) const {
    return static_cast<uint32_t>((reinterpret_cast<const std::byte*>(conn) - shardBase(shard) - header_->connsOffset) /
                                 stride());
  }

  // Returns a name for a connection within this region; never 0.
  uint32_t referenceOf(const Conn* conn) const {
    return static_cast<uint32_t>((reinterpret_cast<const std::byte*>(conn) - base_) / sizeof(Conn));
  }
  Conn* named(uint32_t reference) const { return reinterpret_cast<Conn*>(base_ + size_t{reference} * sizeof(Conn)); }
  // Does the same for any number; null when it names no connection's place.
  Conn* findNamed(uint32_t reference) const;

  // Where a hash leads: its home bucket, and the connections of that bucket's slots.
  struct Home {
    const BucketIndex::Bucket* bucket;
    std::byte* conns;
  };
  Home home(uint64_t hash) const {
    std::byte* shard = shardBase(shardOf(hash));
    const BucketIndex index = indexOf(shard);
    const uint32_t number = index.home(hash);
    return {index.bucket(number), shard + header_->connsOffset + number * rowBytes_};
  }
  // Returns the connection of the first slot in the home bucket whose tag fits; null: there is none. `family` is the
  // region's.
  static Conn* candidate(const Home& home, uint64_t hash, Family family) {
    const uint32_t slot = BucketIndex::slotIn(*home.bucket, hash);
    return slot == BucketIndex::kNone ? nullptr : reinterpret_cast<Conn*>(home.conns + slot * strideOf(family));
  }

  // Returns true when the connection is live, may be found and has this key. REQUIRES: both are of one family
  static bool matches(const Conn& conn, const FlowKey& key);
  FlowKey keyOf(const Conn& conn) const;
  void setKey(Conn& conn, const FlowKey& key) const;

 private:
  static constexpr uint64_t kMagic = 0x31746376736e7574;  // "tunsvct1", little endian

  struct alignas(64) Header {
    uint64_t magic;
    uint32_t layoutVersion;
    Family family;
    uint32_t capacity;
    uint32_t shards;
    uint32_t shardCapacity;
    uint32_t shardRoom;
    uint32_t shardBuckets;
    uint64_t shardBytes;
    uint64_t bucketsOffset, connsOffset, linksOffset;  // within a shard
    uint64_t firstShard;                               // from the start of the region
    HashSecret secret;
  };

  explicit ConnRegion(std::byte* base)
      : base_(base),
        header_(reinterpret_cast<Header*>(base)),
        shards_(base + header_->firstShard),
        rowBytes_(BucketIndex::kSlotsPerBucket * stride()) {}

  static Header layout(Family family, uint32_t capacity);
  static size_t strideOf(Family family) { return family == Family::ipv4 ? sizeof(Conn) : sizeof(Conn6); }
  size_t stride() const { return strideOf(header_->family); }
  std::byte* shardBase(uint32_t shard) const { return shards_ + shard * header_->shardBytes; }

  BucketIndex indexOf(std::byte* shard) const {
    return {reinterpret_cast<BucketIndex::Bucket*>(shard + header_->bucketsOffset), header_->shardBuckets};
  }

  std::byte* base_;
  Header* header_;
  std::byte* shards_;  // the first shard
  uint64_t rowBytes_;  // of the connections of one bucket
};

inline bool ConnRegion::matches(const Conn& conn, const FlowKey& key) {
  if (conn.addresses != key.words[0] || !conn.isFindableAs(key.tail)) return false;
  if (key.isV4()) return true;
  return std::memcmp(static_cast<const Conn6&>(conn).words, key.words, sizeof key.words) == 0;
}

inline void ConnRegion::setKey(Conn& conn, const FlowKey& key) const {
  conn.addresses = key.words[0];
  conn.ports = key.ports();
  conn.protocol = key.protocol();
  conn.kind = key.kind();
  if (header_->family == Family::ipv6) std::memcpy(static_cast<Conn6&>(conn).words, key.words, sizeof key.words);
}

inline FlowKey ConnRegion::keyOf(const Conn& conn) const {
  FlowKey key;
  key.family = header_->family;
  if (key.isV4()) {
    key.words[0] = conn.addresses;
  } else {
    std::memcpy(key.words, static_cast<const Conn6&>(conn).words, sizeof key.words);
  }
  key.tail = FlowKey::makeTail(conn.ports, conn.protocol, conn.kind);
  return key;
}

}  // namespace tunvs
