// A BucketIndex is a hash index without pointers: it leads from a hash to the numbers of the units whose keys have it.
//
// A bucket is one cache line: 12 one-byte tags, 12 units, and a count of entries that had to go on to the next bucket,
// so that a lookup stops where none went on. Nothing ever moves. The index knows no keys: the caller looks at the unit.
//
// It is a view of buckets that lie elsewhere; zeroed memory is an empty index.
// Thread safety: any thread calls prefetch, first and find; one thread at a time calls insert, remove and clear, and
// clear only while no other thread uses the index.
// Invariants:
//  1. A tag is published after its unit, and a unit by release: whoever finds it sees what was written to it before.
//  2. A unit is in its hash's home bucket or in one behind it, and each bucket that it passed counts it.
//  3. Some slot is empty. (insert() REQUIRES it.)
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tunvs {

class BucketIndex {
 public:
  static constexpr size_t kSlotsPerBucket = 12;

  struct alignas(64) Bucket {
    std::atomic<uint64_t> tagsLow;   // slots 0..7
    std::atomic<uint64_t> tagsHigh;  // slots 8..11, then a 16-bit count of entries that went on to the next bucket
    std::atomic<uint32_t> units[kSlotsPerBucket];
  };
  static_assert(sizeof(Bucket) == 64);

  BucketIndex(Bucket* buckets, uint32_t count) : buckets_(buckets), count_(count) {}

  void prefetch(uint64_t hash) const { __builtin_prefetch(&buckets_[home(hash)]); }

  // Calls `take(unit)` for the first unit of the home bucket whose tag fits, and returns what it gives, as a pointer;
  // the unit may belong to another hash. If the result is null, the unit is certainly not in the home bucket.
  template <typename Take>
  auto first(uint64_t hash, Take&& take) const -> decltype(take(uint32_t{}));
  // Calls `take(unit)` for every unit that may have this hash, until one returns something that is not null.
  template <typename Take>
  auto find(uint64_t hash, Take&& take) const -> decltype(take(uint32_t{}));

  void insert(uint64_t hash, uint32_t unit) const;
  void remove(uint64_t hash, uint32_t unit) const;  // REQUIRES: insert(hash, unit) before
  void clear() const;

 private:
  static constexpr uint64_t kLowBytes = 0x0101010101010101;
  static constexpr uint64_t kHighBits = 0x8080808080808080;
  static constexpr uint64_t kHighSlots = 0x00000000ffffffff;  // of tagsHigh: slots 8..11
  static constexpr unsigned kDisplacedShift = 32;
  static constexpr uint64_t kDisplacedMask = 0xffff;

  // Sets the high bit of each byte of `tags` that equals `tag`, and of no other: the unit of a slot that only looked
  // alike may be stale, and name what is just being reused.
  static uint64_t matchBytes(uint64_t tags, uint8_t tag) {
    const uint64_t difference = tags ^ (kLowBytes * tag);
    return ~(((difference & ~kHighBits) + ~kHighBits) | difference) & kHighBits;
  }
  static uint64_t matchHigh(uint64_t tagsHigh, uint8_t tag) {
    return matchBytes(tagsHigh & kHighSlots, tag) & kHighSlots;
  }
  static size_t slotOf(uint64_t marks) { return static_cast<size_t>(__builtin_ctzll(marks)) / 8; }
  static uint32_t displaced(uint64_t tagsHigh) { return tagsHigh >> kDisplacedShift & kDisplacedMask; }

  // Never returns 0, which is an empty slot. Bits 24..31 choose neither the shard nor (but for huge tables) the bucket.
  static uint8_t tagOf(uint64_t hash) {
    const auto tag = static_cast<uint8_t>(hash ^ (hash >> 16));
    return tag == 0 ? 1 : tag;
  }
  uint32_t home(uint64_t hash) const { return static_cast<uint32_t>((hash & 0xffffffff) * count_ >> 32); }
  uint32_t behind(uint32_t bucket) const { return bucket + 1 == count_ ? 0 : bucket + 1; }

  Bucket* buckets_;
  uint32_t count_;
};

template <typename Take>
auto BucketIndex::first(uint64_t hash, Take&& take) const -> decltype(take(uint32_t{})) {
  const Bucket& bucket = buckets_[home(hash)];
  const uint8_t tag = tagOf(hash);
  uint64_t marks = matchBytes(bucket.tagsLow.load(std::memory_order_acquire), tag);
  size_t slot = 0;
  if (marks == 0) {
    marks = matchHigh(bucket.tagsHigh.load(std::memory_order_acquire), tag);
    slot = 8;
    if (marks == 0) return nullptr;
  }
  return take(bucket.units[slot + slotOf(marks)].load(std::memory_order_acquire));
}

template <typename Take>
auto BucketIndex::find(uint64_t hash, Take&& take) const -> decltype(take(uint32_t{})) {
  const uint8_t tag = tagOf(hash);
  uint32_t index = home(hash);
  for (uint32_t probes = 0; probes < count_; probes++) {
    const Bucket& bucket = buckets_[index];
    const uint64_t high = bucket.tagsHigh.load(std::memory_order_acquire);
    uint64_t marks = matchBytes(bucket.tagsLow.load(std::memory_order_acquire), tag);
    for (; marks != 0; marks &= marks - 1) {
      if (auto taken = take(bucket.units[slotOf(marks)].load(std::memory_order_acquire))) return taken;
    }
    marks = matchHigh(high, tag);
    for (; marks != 0; marks &= marks - 1) {
      if (auto taken = take(bucket.units[8 + slotOf(marks)].load(std::memory_order_acquire))) return taken;
    }
    if (displaced(high) == 0) return nullptr;
    index = behind(index);
  }
  return nullptr;
}

}  // namespace tunvs
