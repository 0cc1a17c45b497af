// A BucketIndex is a hash index that holds no keys and no pointers: it leads from a hash to the slots whose keys have
// it. An entry's slot is its number as well: what it stands for lies at that number of an array, so that a lookup costs
// one cache miss beside the index, which is small.
//
// A bucket has 16 bytes: 15 one-byte tags, and a count of entries that had to go on to the next bucket, so that a
// lookup stops where none went on. Nothing ever moves.
//
// It is a view of buckets that lie elsewhere; zeroed memory is an empty index.
// Thread safety: any thread calls home, slotIn, find and firstTaken; one thread at a time calls the others, and
// clear only while no other thread uses the index.
// Invariants:
//  1. A tag is published by release: whoever finds its slot sees what was written to the entry before.
//  2. An entry is in its hash's home bucket or less than kReach behind it, and each bucket that it passed counts it.
//  3. The slot of a removed entry is neither found nor given out before release().
//  4. A count that has reached its limit stays there: then a lookup may look further than it needs to.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "table/tag_group.h"

namespace tunvs {

class BucketIndex {
 public:
  static constexpr uint32_t kSlotsPerBucket = TagGroup::kSlots;
  // A lookup looks at no more buckets, whatever is in them. At the highest load of a table nobody needs half as many.
  static constexpr uint32_t kReach = 128;
  static constexpr uint32_t kNone = UINT32_MAX;

  struct alignas(16) Bucket {
    std::atomic<uint64_t> low, high;  // as in TagGroup
  };
  static_assert(sizeof(Bucket) == 16);

  BucketIndex(Bucket* buckets, uint32_t count) : buckets_(buckets), count_(count) {}

  uint32_t slots() const { return count_ * kSlotsPerBucket; }
  const Bucket* bucket(uint32_t number) const { return &buckets_[number]; }
  // Returns the number of the bucket where a lookup of this hash begins.
  uint32_t home(uint64_t hash) const { return static_cast<uint32_t>((hash & 0xffffffff) * count_ >> 32); }
  // Returns the first slot within the home bucket whose tag fits; the entry may have another hash. If it is kNone, no
  // entry with this hash is in the home bucket.
  static uint32_t slotIn(const Bucket& home, uint64_t hash) {
    const uint32_t matches = groupOf(home).matches(tagOf(hash));
    return matches == 0 ? kNone : static_cast<uint32_t>(__builtin_ctz(matches));
  }

  // Calls `take(slot)` for every entry that may have this hash, until one returns something that is not null.
  template <typename Take>
  auto find(uint64_t hash, Take&& take) const -> decltype(take(uint32_t{}));
  // Returns the first slot from `slot` on that holds an entry; kNone when there is none. REQUIRES: slot <= slots()
  uint32_t firstTaken(uint32_t slot) const;
  bool isTaken(uint32_t slot) const { return groupOf(slot / kSlotsPerBucket).tag(slot % kSlotsPerBucket) >= kFirstTag; }

  // Returns an empty slot for this hash; kNone when there is none in its reach.
  uint32_t emptySlot(uint64_t hash) const;
  bool isInReach(uint64_t hash, uint32_t slot) const { return distance(home(hash), slot / kSlotsPerBucket) < reach(); }
  void insert(uint64_t hash, uint32_t slot) const;  // REQUIRES: the slot is empty, and in reach of the hash
  void remove(uint64_t hash, uint32_t slot) const;  // REQUIRES: insert(hash, slot) before
  void release(uint32_t slot) const;                // REQUIRES: remove(hash, slot) before
  void clear() const;

 private:
  static constexpr uint8_t kEmpty = 0, kRemoved = 1, kFirstTag = 2;
  static constexpr uint64_t kOne = uint64_t{1} << 56;  // of a bucket's count
  static constexpr uint32_t kMaxCount = 255;

  static uint8_t tagOf(uint64_t hash) {
    const auto tag = static_cast<uint8_t>(hash ^ (hash >> 16));
    return tag < kFirstTag ? tag + kFirstTag : tag;
  }
  uint32_t behind(uint32_t bucket) const { return bucket + 1 == count_ ? 0 : bucket + 1; }
  uint32_t distance(uint32_t from, uint32_t to) const { return to >= from ? to - from : to + count_ - from; }
  uint32_t reach() const { return std::min(kReach, count_); }
  static TagGroup groupOf(const Bucket& bucket) {
    return {bucket.low.load(std::memory_order_acquire), bucket.high.load(std::memory_order_acquire)};
  }
  TagGroup groupOf(uint32_t bucket) const { return groupOf(buckets_[bucket]); }
  void setTag(uint32_t slot, uint8_t tag) const;

  Bucket* buckets_;
  uint32_t count_;
};

template <typename Take>
auto BucketIndex::find(uint64_t hash, Take&& take) const -> decltype(take(uint32_t{})) {
  const uint8_t tag = tagOf(hash);
  uint32_t bucket = home(hash);
  for (uint32_t probes = reach(); probes > 0; probes--) {
    const TagGroup group = groupOf(bucket);
    for (uint32_t matches = group.matches(tag); matches != 0; matches &= matches - 1) {
      if (auto taken = take(bucket * kSlotsPerBucket + static_cast<uint32_t>(__builtin_ctz(matches)))) return taken;
    }
    if (group.count() == 0) return nullptr;
    bucket = behind(bucket);
  }
  return nullptr;
}

}  // namespace tunvs
