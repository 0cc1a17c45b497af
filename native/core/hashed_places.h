// HashedPlaces holds a fixed number of places for entries that are found by a hash; an AgeList lists entries in the
// order in which they came.
//
// An entry has a member `PlaceLinks links`, and keeps its place until the place is given back. The rest of the entry
// stays as it was when the place is taken anew. The caller knows the keys, and decides which hash of an entry it hands
// in.
//
// Thread safety: none.
// Invariants:
//  1. All memory is allocated by the constructor.
//  2. A place is either in the chain of one bucket or free.
//  3. Free places are first taken in order; later, the place that was given back last is taken first.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>
#include <memory>

namespace tunvs {

inline constexpr uint32_t kNoPlace = UINT32_MAX;

struct PlaceLinks {
  uint32_t chain;         // next in the bucket, or next free place
  uint32_t older, newer;  // neighbours in an age list
};

template <typename Entry>
class HashedPlaces {
 public:
  // Has no places yet. REQUIRES: another is assigned to it before anything but isAllocated() is called
  HashedPlaces() = default;
  // REQUIRES: places > 0, buckets a power of two
  HashedPlaces(uint32_t places, uint32_t buckets)
      : entries_(std::make_unique_for_overwrite<Entry[]>(places)),
        buckets_(std::make_unique_for_overwrite<uint32_t[]>(buckets)),
        mask_(buckets - 1),
        free_(0) {
    assert(places > 0 && std::has_single_bit(buckets));
    std::fill_n(buckets_.get(), buckets, kNoPlace);
    for (uint32_t i = 0; i < places; i++) entries_[i].links.chain = i + 1 < places ? i + 1 : kNoPlace;
  }

  bool isAllocated() const { return entries_ != nullptr; }
  bool isFull() const { return free_ == kNoPlace; }
  Entry& operator[](uint32_t index) const { return entries_[index]; }
  uint32_t indexOf(const Entry& entry) const { return static_cast<uint32_t>(&entry - entries_.get()); }

  // Asks `is(index)` about the entries of the hash's bucket, the newest first, and returns the first for which it is
  // true; null when there is none. A bucket holds entries of other hashes, too.
  template <typename Is>
  Entry* find(uint64_t hash, Is&& is) const {
    for (uint32_t index = bucketOf(hash); index != kNoPlace; index = entries_[index].links.chain) {
      if (is(index)) return &entries_[index];
    }
    return nullptr;
  }

  // REQUIRES: !isFull()
  uint32_t take(uint64_t hash) {
    const uint32_t index = free_;
    assert(index != kNoPlace);
    free_ = entries_[index].links.chain;
    entries_[index].links.chain = bucketOf(hash);
    bucketOf(hash) = index;
    return index;
  }
  // REQUIRES: take(hash) returned `index`
  void giveBack(uint32_t index, uint64_t hash) {
    uint32_t* link = &bucketOf(hash);
    while (*link != index) link = &entries_[*link].links.chain;
    *link = entries_[index].links.chain;
    entries_[index].links.chain = free_;
    free_ = index;
  }

 private:
  uint32_t& bucketOf(uint64_t hash) const { return buckets_[hash & mask_]; }

  std::unique_ptr<Entry[]> entries_;
  std::unique_ptr<uint32_t[]> buckets_;
  uint32_t mask_ = 0;
  uint32_t free_ = kNoPlace;
};

// An entry is in one list at most.
struct AgeList {
  uint32_t oldest = kNoPlace, newest = kNoPlace, count = 0;

  template <typename Entry>
  void append(const HashedPlaces<Entry>& places, uint32_t index) {
    PlaceLinks& links = places[index].links;
    links.older = newest;
    links.newer = kNoPlace;
    (newest == kNoPlace ? oldest : places[newest].links.newer) = index;
    newest = index;
    count++;
  }
  // REQUIRES: the entry is in this list
  template <typename Entry>
  void erase(const HashedPlaces<Entry>& places, uint32_t index) {
    const PlaceLinks& links = places[index].links;
    (links.older == kNoPlace ? oldest : places[links.older].links.newer) = links.newer;
    (links.newer == kNoPlace ? newest : places[links.newer].links.older) = links.older;
    count--;
  }
};

}  // namespace tunvs
