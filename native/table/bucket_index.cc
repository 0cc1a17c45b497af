#include "table/bucket_index.h"

#include <cassert>
#include <cstring>

namespace tunvs {

uint32_t BucketIndex::firstTaken(uint32_t slot) const {
  uint32_t wanted = TagGroup::kAll << slot % kSlotsPerBucket;
  for (uint32_t bucket = slot / kSlotsPerBucket; bucket < count_; bucket++) {
    const TagGroup group = groupOf(bucket);
    const uint32_t taken = wanted & TagGroup::kAll & ~(group.matches(kEmpty) | group.matches(kRemoved));
    if (taken != 0) return bucket * kSlotsPerBucket + static_cast<uint32_t>(__builtin_ctz(taken));
    wanted = TagGroup::kAll;
  }
  return kNone;
}

uint32_t BucketIndex::emptySlot(uint64_t hash) const {
  uint32_t bucket = home(hash);
  for (uint32_t probes = reach(); probes > 0; probes--) {
    const uint32_t empty = groupOf(bucket).matches(kEmpty);
    if (empty != 0) return bucket * kSlotsPerBucket + static_cast<uint32_t>(__builtin_ctz(empty));
    bucket = behind(bucket);
  }
  return kNone;
}

void BucketIndex::setTag(uint32_t slot, uint8_t tag) const {
  Bucket& bucket = buckets_[slot / kSlotsPerBucket];
  const uint32_t within = slot % kSlotsPerBucket, shift = within % 8 * 8;
  std::atomic<uint64_t>& word = within < 8 ? bucket.low : bucket.high;
  const uint64_t others = word.load(std::memory_order_relaxed) & ~(uint64_t{0xff} << shift);
  word.store(others | uint64_t{tag} << shift, std::memory_order_release);
}

void BucketIndex::insert(uint64_t hash, uint32_t slot) const {
  assert(isInReach(hash, slot) && groupOf(slot / kSlotsPerBucket).tag(slot % kSlotsPerBucket) == kEmpty);
  for (uint32_t bucket = home(hash); bucket != slot / kSlotsPerBucket; bucket = behind(bucket)) {
    const TagGroup group = groupOf(bucket);
    if (group.count() < kMaxCount) buckets_[bucket].high.store(group.high + kOne, std::memory_order_release);
  }
  setTag(slot, tagOf(hash));
}

void BucketIndex::remove(uint64_t hash, uint32_t slot) const {
  assert(isInReach(hash, slot) && isTaken(slot));
  for (uint32_t bucket = home(hash); bucket != slot / kSlotsPerBucket; bucket = behind(bucket)) {
    const TagGroup group = groupOf(bucket);
    assert(group.count() > 0);
    if (group.count() < kMaxCount) buckets_[bucket].high.store(group.high - kOne, std::memory_order_release);
  }
  setTag(slot, kRemoved);
}

void BucketIndex::release(uint32_t slot) const {
  assert(groupOf(slot / kSlotsPerBucket).tag(slot % kSlotsPerBucket) == kRemoved);
  setTag(slot, kEmpty);
}

void BucketIndex::clear() const { std::memset(static_cast<void*>(buckets_), 0, count_ * sizeof(Bucket)); }

}  // namespace tunvs
